"""`python -m tools`: the models that ship, and the tables that are made from their figures."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from splitsr.cli.main import main
from splitsr.export.target import Format

if TYPE_CHECKING:
    from tools.latency import Latency
    from tools.model_results import ModelRecord
    from tools.paths import Paths
    from tools.promote import Promotion

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)

_root_option = click.option(
    "--root",
    type=_FOLDER,
    default=".",
    show_default=True,
    help="Root of the checkout of splitsr.",
)
_zoo_option = click.option(
    "--zoo",
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder that gets everything (catalogue, files, docs) instead of the checkout: a trial.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Work on the models that ship, in the root of a checkout."""


def _read_sets(
    _context: click.Context, _option: click.Parameter, values: tuple[str, ...]
) -> dict[str, Path]:
    """Test sets by name, from NAME=DIR."""
    from tools.model_tables import SETS

    sets: dict[str, Path] = {}
    for value in values:
        name, _, folder = value.partition("=")
        if not re.fullmatch(r"[A-Za-z0-9_-]+", name) or not folder:
            raise click.BadParameter(f"found {value!r}; must read NAME=DIR")
        if not Path(folder).is_dir():
            raise click.BadParameter(f"{folder}: no such folder")
        sets[name] = Path(folder)
    missing = [name for name in SETS if name not in sets]
    if missing:
        raise click.BadParameter(f"{', '.join(missing)} missing; every model is measured on them")
    return {name: sets[name] for name in [*SETS, *sets]}


_sets_option = click.option(
    "--set",
    "sets",
    multiple=True,
    required=True,
    metavar="NAME=DIR",
    callback=_read_sets,
    help="A test set's HR images; Set5, Set14 and B100 are needed.",
)


@command.command("promote")
@click.argument("run", type=click.Path(exists=True, path_type=Path))
@click.option("--name", required=True, help="The model's name, such as splitsr-balanced-x4.")
@_sets_option
@click.option(
    "--hardware",
    default="",
    metavar="TEXT",
    help="What the training time was spent on, for the card: 'one thread of an AMD EPYC'.",
)
@click.option(
    "--replace",
    is_flag=True,
    help="Whether or not it is better: for a twin whose clean model has changed.",
)
@_root_option
@_zoo_option
def promote_command(
    run: Path,
    name: str,
    sets: dict[str, Path],
    hardware: str,
    replace: bool,
    root: Path,
    zoo: Path | None,
) -> None:
    """Make the weights of RUN the shipped model NAME.

    RUN is a folder that `splitsr train` wrote, or a weights.safetensors out of one. The network
    must keep to its family's limits, its export must equal it, and where a model of that name
    ships already, it must be better on Set14 and on B100, a twin for degraded images on JPEGs of
    B100 at quality 90 and 75. Then the weights, the results, the model card, the README's table and
    the catalogue are written together. Latency is measured on this machine: let nothing else run.

    \b
    Example:
      python -m tools promote runs/balanced --name splitsr-balanced-x4 --set Set5=Set5/HR \\
        --set Set14=Set14/HR --set B100=B100/HR
    """  # noqa: D301 (click reads the \b)
    from rich.console import Console
    from rich.progress import Progress

    from splitsr.errors import MissingDependencyError

    try:
        from tools.promote import promote
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"promoting a model needs {error.name}: pip install 'splitsr[export]'"
        ) from None
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("Reading", total=None)
        promotion = promote(
            run,
            name,
            sets,
            _places(root, zoo),
            hardware=hardware,
            replace=replace,
            report=lambda what, done, total: bar.update(
                task, description=what, completed=done, total=total
            ),
        )
    _print_promotion(promotion)


@command.command("quantize")
@click.argument("names", metavar="[NAME...]", nargs=-1)
@click.option(
    "--calibration", type=_FOLDER, required=True, help="Photographs that no test set has."
)
@_sets_option
@_root_option
@_zoo_option
def quantize_command(
    names: tuple[str, ...], calibration: Path, sets: dict[str, Path], root: Path, zoo: Path | None
) -> None:
    """Make the int8 forms of shipped models.

    All of them, unless named. Each NAME-int8 is calibrated on photographs (a twin for degraded
    images on degraded ones), timed in turns with float32, and scored. One that is not faster on
    this machine, loses more than 0.15 dB on B100, or is wrong on CPUs of another kind, is refused.
    The file, the results, the tables and the catalogue are written together.

    \b
    Example:
      python -m tools quantize splitsr-fast-x4 --calibration photos --set Set5=Set5/HR \\
        --set Set14=Set14/HR --set B100=B100/HR
    """  # noqa: D301 (click reads the \b)
    from splitsr.export.checked import some_photos
    from tools.model_results import read_results
    from tools.quantize import quantize_shipped

    photos, paths = some_photos(calibration), _places(root, zoo)
    for name in names or read_results(paths.results):
        record = quantize_shipped(
            name, sets, photos, paths, lambda what: click.echo(what, err=True)
        )
        click.echo(
            f"{name}-int8: {record.speed('int8'):.2f} times as fast as float32, loses "
            f"{record.loss_db('int8'):.3f} dB on B100"
        )


@command.command("time")
@click.argument("names", metavar="[NAME...]", nargs=-1)
@click.option("--precisions", is_flag=True, help="Of fp32, fp16 and int8 in turns.")
@_root_option
@_zoo_option
def time_command(names: tuple[str, ...], precisions: bool, root: Path, zoo: Path | None) -> None:
    """Measure the latency of shipped models again.

    All of them, unless named. The results, the model cards and the README get the new times and
    this machine; let nothing else run.

    \b
    Examples:
      python -m tools time splitsr-fast-x4
      python -m tools time --precisions
    """  # noqa: D301 (click reads the \b)
    from tools.quantize import retime_precisions
    from tools.retime import retime

    def report(name: str) -> None:
        click.echo(f"Timing {name}", err=True)

    if precisions:
        for name, found in retime_precisions(names, _places(root, zoo), report).items():
            click.echo(f"{name}: int8 is {found.speed('int8'):.2f} times as fast as fp32")
        return
    timed = retime(names, _places(root, zoo), report)
    for name, record in timed.items():
        times = ", ".join(_latency_line(timing) for timing in record.latency)
        click.echo(f"{name}: {times}")
    _warn_if_disturbed(timed.values())


@command.command("assets")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option(
    "--format",
    "formats",
    type=click.Choice(get_args(Format)),
    multiple=True,
    help="May be given several times.  [default: all]",
)
def assets_command(folder: Path, names: tuple[str, ...], formats: tuple[Format, ...]) -> None:
    """Export models for all runtimes, as a release carries them.

    FOLDER gets a file for each model, format and precision, those of ncnn and Core ML as ZIP, and
    SHA256SUMS. Of a model with a twin for degraded images there is each a second time, mixed at
    strength 0.5. Every export is checked as `splitsr export` does; where one loses too much, a line
    says so and there is none.

    \b
    Example:
      python -m tools assets release splitsr-fast-x4
    """  # noqa: D301 (click reads the \b)
    from tools.assets import write_assets

    for name in names:
        write_assets(name, folder, formats or get_args(Format), click.echo)


@command.command("tables")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if something is stale.")
@_root_option
@_zoo_option
def tables_command(check: bool, root: Path, zoo: Path | None) -> None:
    """Make the tables of the README, the model cards and the pages again.

    They come from results/models.json, those of docs/ablation.md from results/ablation,
    and those of fields from the code; what stands outside of the markers stays. With --check one
    line names each document that is not as it should be, and each model of which the catalogue says
    something else than the results.

    \b
    Example:
      python -m tools tables --check
    """  # noqa: D301 (click reads the \b)
    from tools.documents import stale_documents, unlike_catalogue, write_documents

    paths = _places(root, zoo)
    if not check:
        for path in write_documents(paths):
            click.echo(f"wrote {path}")
    stale = [f"{path}: stale; run `python -m tools tables`" for path in stale_documents(paths)]
    stale += [
        f"{paths.catalogue}: {name} is not the model of {paths.results}; promote it"
        for name in unlike_catalogue(paths)
    ]
    for line in stale:
        click.echo(f"splitsr: {line}", err=True)
    if stale:
        raise click.exceptions.Exit(1)


def _places(root: Path, zoo: Path | None) -> Paths:
    from tools.paths import Paths

    return Paths.of_trial(zoo, root) if zoo else Paths.of_checkout(root)


def _print_promotion(promotion: Promotion) -> None:
    for test, result in promotion.record.figures.items():
        gain = result.psnr_y - result.bicubic_psnr_y
        click.echo(f"{test}: {result.psnr_y:.2f} dB, {gain:+.2f} over bicubic")
    for timing in promotion.record.latency:
        click.echo(_latency_line(timing))
    _warn_if_disturbed([promotion.record])
    for path in promotion.files:
        click.echo(f"wrote {path}")


def _latency_line(timing: Latency) -> str:
    plural = "s" if timing.threads > 1 else ""
    size = f"{timing.width}x{timing.height}"
    return f"{size} on {timing.threads} thread{plural}: {timing.milliseconds:.1f} ms"


def _warn_if_disturbed(records: Iterable[ModelRecord]) -> None:
    if any(record.disturbed for record in records):
        click.echo(
            "splitsr: something else was running, so the times are too long; give `python -m "
            "tools time` when the machine is quiet",
            err=True,
        )


if __name__ == "__main__":
    main(command)
