"""`splitsr tune`: searches for the best network within a budget."""

from __future__ import annotations

import re
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

import click

from splitsr.cli.options import NEW_FOLDER, BadCall, Whole, json_option, size_option
from splitsr.errors import naming_extra
from splitsr.networks.base import SCALES

if TYPE_CHECKING:
    from splitsr.data.pack import Pack
    from splitsr.experiments.search_results import Settings, TuneResult

_UNITS = {"": 1, "k": 1_000, "m": 1_000_000}


def _read_count(_context: click.Context, _option: click.Parameter, value: str | None) -> int | None:
    """A whole number, from 100000, 100k or 1.5M."""
    if value is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([kKmM]?)", value)
    count = float(found[1]) * _UNITS[found[2].lower()] if found else 0.0
    if count < 1:
        raise click.BadParameter(f"found {value!r}; must be a number such as 100000, 100k or 1.5M")
    return int(count)


def _read_finite(
    _context: click.Context, _option: click.Parameter, value: float | None
) -> float | None:
    """A number above 0: nan passes every comparison with a range."""
    if value is not None and not (isfinite(value) and value > 0):
        raise click.BadParameter(f"found {value}; must be a number above 0")
    return value


@click.command()
@click.option(
    "--scale",
    type=click.Choice(list(map(str, SCALES))),
    default="4",
    show_default=True,
    help="Scale.",
)
@click.option(
    "--max-ms",
    type=float,
    callback=_read_finite,
    help="Limit of milliseconds for one image of --size on --threads, on this machine.",
)
@click.option(
    "--max-params", metavar="N", callback=_read_count, help="Limit of parameters: 100k, 1.5M."
)
@click.option(
    "--max-gmacs",
    type=float,
    callback=_read_finite,
    help="Limit of multiply-adds for a 1280x720 output, in billions.",
)
@size_option
@click.option("--threads", type=Whole(1), default=2, show_default=True, help="CPU threads.")
@click.option(
    "--trials",
    type=Whole(1),
    default=40,
    show_default=True,
    help="Networks to train in all, those of earlier calls included. Networks over a limit do "
    "not count.",
)
@click.option("--minutes", type=float, callback=_read_finite, help="Stop after this many minutes.")
@click.option(
    "--steps",
    type=Whole(1),
    default=200,
    show_default=True,
    help="Training steps of each network.",
)
@click.option("--seed", type=Whole(0), default=1, show_default=True, help="Seed of the proposals.")
@click.option(
    "--data",
    required=True,
    type=click.Path(path_type=Path),
    help="Pack made by `splitsr data pack`.",
)
@click.option(
    "--out",
    required=True,
    type=NEW_FOLDER,
    help="Folder of the search; the same command continues what is there.",
)
@json_option
def command(
    scale: str,
    max_ms: float | None,
    max_params: int | None,
    max_gmacs: float | None,
    size: tuple[int, int],
    threads: int,
    trials: int,
    minutes: float | None,
    steps: int,
    seed: int,
    data: Path,
    out: Path,
    as_json: bool,
) -> None:
    """Search for the SplitSR network of the highest quality within a budget.

    A network over the budget is never trained: parameters and multi-adds are counted first, then
    latency is measured with ONNX Runtime on this machine, and what fits is trained for --steps
    steps. Several limits may be given. Writes OUT/winner.toml, a configuration for `splitsr train`,
    trials.json, trials.csv and pareto.png. Ctrl-C keeps what is done and writes the winner so far.

    \b
    Examples:
      splitsr tune --scale 4 --max-ms 20 --data photos.pack --out runs/tune
      splitsr tune --scale 2 --max-params 100k --max-gmacs 5 --minutes 30 --data photos.pack --out t
    """  # noqa: D301 (click reads the \b)
    if max_ms is None and max_params is None and max_gmacs is None:
        raise BadCall("no budget: give --max-ms, --max-params or --max-gmacs, or several of them")
    if not data.is_dir():
        raise BadCall(f"--data {data}: no such folder; make a pack with splitsr data pack")
    with naming_extra("a search", "tune"):
        import onnxscript  # noqa: F401
        import optuna  # noqa: F401
        import torch

    from splitsr.benchmark.timing import describe_machine
    from splitsr.data.pack import Pack
    from splitsr.experiments.search_results import Budget, Settings

    torch.set_num_threads(threads)
    pack = Pack.open(data)
    multi_adds = None if max_gmacs is None else round(max_gmacs * 1e9)
    settings = Settings(
        scale=int(scale),
        budget=Budget(parameters=max_params, multi_adds_720p=multi_adds, milliseconds=max_ms),
        height=size[0],
        width=size[1],
        threads=threads,
        steps=steps,
        seed=seed,
        pack=pack.index.sha256,
        machine=describe_machine(),
    )
    result = _search(settings, pack, out, trials, minutes)
    _print(result, as_json)
    click.echo(f"the winner's configuration: {out / 'winner.toml'}", err=True)


def _search(
    settings: Settings, pack: Pack, out: Path, trials: int, minutes: float | None
) -> TuneResult:
    """The search, with progress on stderr; an interrupt says what it leaves."""
    from splitsr.cli.tune_progress import TuneProgress
    from splitsr.experiments.search import tune

    try:
        with TuneProgress(trials) as progress:
            return tune(settings, pack, out, trials=trials, minutes=minutes, report=progress.report)
    except KeyboardInterrupt:
        done = (out / "winner.toml").exists()
        left = f"the winner so far is in {out}" if done else "no network is trained yet"
        click.echo(f"{left}; run the same command to continue", err=True)
        raise


def _print(result: TuneResult, as_json: bool) -> None:
    import msgspec

    from splitsr.experiments.search_results import to_markdown

    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(result), indent=2))
    else:
        click.echo(to_markdown(result))
