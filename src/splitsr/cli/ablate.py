"""`splitsr ablate`: trains a grid of networks at one equal budget."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from splitsr.cli.options import FILE, FOLDER, NEW_FOLDER, Whole, json_option
from splitsr.errors import naming_extra

if TYPE_CHECKING:
    from splitsr.experiments.grid import Study
    from splitsr.experiments.grid_results import StudyResult
    from splitsr.training.log import Record


def _read_sets(
    _context: click.Context, _option: click.Parameter, values: tuple[str, ...]
) -> dict[str, Path]:
    """Test sets by name, from NAME=DIR."""
    sets: dict[str, Path] = {}
    for value in values:
        name, _, folder = value.partition("=")
        if not name or not folder:
            raise click.BadParameter(f"found {value!r}; must read NAME=DIR")
        if not Path(folder).is_dir():
            raise click.BadParameter(f"{folder}: no such folder")
        sets[name] = Path(folder)
    return sets


@click.command()
@click.argument("study", type=FILE)
@click.option(
    "--data",
    type=FOLDER,
    help="Pack made by `splitsr data pack`.  [needed, except with --remeasure]",
)
@click.option(
    "--out",
    required=True,
    type=NEW_FOLDER,
    help="Folder for runs and results. Studies that share it share equal cells.",
)
@click.option(
    "--set",
    "sets",
    multiple=True,
    metavar="NAME=DIR",
    callback=_read_sets,
    help="HR images to measure on, beside the pack's held-out ones.",
)
@click.option("--seed", "seeds", multiple=True, type=int, help="Only this of the study's seeds.")
@click.option("--no-latency", is_flag=True, help="Do not measure latency.")
@click.option("--remeasure", is_flag=True, help="Measure latency again, and train nothing.")
@click.option("--threads", type=Whole(1), default=1, show_default=True, help="CPU threads.")
@json_option
def command(
    study: Path,
    data: Path | None,
    out: Path,
    sets: dict[str, Path],
    seeds: tuple[int, ...],
    no_latency: bool,
    remeasure: bool,
    threads: int,
    as_json: bool,
) -> None:
    """Train the networks of STUDY, a TOML file, at one equal budget, and compare them.

    Cells that are done are not trained again; one that was interrupted goes on. Writes
    OUT/STUDY.json, .csv, .md and .png. The JSON on standard output is the first of these.

    \b
    Examples:
      splitsr ablate configs/ablation/alpha.toml --data photos.pack --out runs/ablation
      splitsr ablate configs/ablation/alpha.toml --out runs/ablation --remeasure
    """  # noqa: D301 (click reads the \b)
    from splitsr.experiments.grid import read_study

    if remeasure and (data or sets or seeds or no_latency):
        raise click.UsageError("--remeasure trains nothing: only --threads can go with it")
    if data is None and not remeasure:
        raise click.UsageError("--data is needed: a pack to train on")
    plan = read_study(study)
    with naming_extra("a study", "train,export"):
        import torch

        from splitsr.experiments import run
    from splitsr.experiments.grid_results import to_markdown
    from splitsr.experiments.result_files import to_json

    torch.set_num_threads(threads)
    if data is None:
        result = run.remeasure(plan, out, threads=threads)
    else:
        result = _run(plan, data, out, sets, seeds, threads, latency=not no_latency)
    if as_json:
        click.echo(to_json(result), nl=False)
    else:
        click.echo(to_markdown(result))


def _run(
    plan: Study,
    data: Path,
    out: Path,
    sets: dict[str, Path],
    seeds: tuple[int, ...],
    threads: int,
    *,
    latency: bool,
) -> StudyResult:
    """Trains and measures, with progress on stderr."""
    from rich.console import Console
    from rich.progress import Progress

    from splitsr.data.pack import Pack
    from splitsr.experiments.run import run_study

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(plan.name)

        def report(label: str, done: int, total: int, record: Record | None) -> None:
            step = f" step {record.step}" if record else ""
            bar.update(task, description=f"{label}{step}", completed=done, total=total)
            if record is None and not console.is_terminal:
                click.echo(f"{plan.name}: {done + 1} of {total}: {label}", err=True)

        return run_study(
            plan,
            Pack.open(data),
            out,
            sets=sets,
            seeds=seeds or None,
            threads=threads,
            latency=latency,
            report=report,
        )
