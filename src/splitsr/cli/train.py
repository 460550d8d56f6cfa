"""`splitsr train`: trains a network from a configuration."""

from __future__ import annotations

from pathlib import Path

import click

from splitsr.cli.options import FILE, FOLDER, NEW_FOLDER, Number, threads_option
from splitsr.errors import naming_extra


@click.command()
@click.argument("config", type=FILE)
@click.option("--data", required=True, type=FOLDER, help="Pack made by `splitsr data pack`.")
@click.option(
    "--run-dir",
    required=True,
    type=NEW_FOLDER,
    help="Folder for the state, the log and the weights.",
)
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="SECTION.FIELD=VALUE",
    help="Override a value of CONFIG; may be given several times.",
)
@click.option("--resume", is_flag=True, help="Continue the run in --run-dir.")
@click.option("--max-minutes", type=Number(0, min_open=True), help="Stop after this many minutes.")
@click.option(
    "--val",
    type=FOLDER,
    help="HR images to validate on; by default some of the pack are held out.",
)
@click.option(
    "--device",
    type=click.Choice(["cpu", "cuda"]),
    help="Where to compute.  [default: cuda if available]",
)
@threads_option
def command(
    config: Path,
    data: Path,
    run_dir: Path,
    changes: tuple[str, ...],
    resume: bool,
    max_minutes: float | None,
    val: Path | None,
    device: str | None,
    threads: int | None,
) -> None:
    """Train the network of CONFIG, a TOML file.

    \b
    Example:
      splitsr data pack photos/ -o photos.pack
      splitsr train configs/splitsr-fast-x4.toml --data photos.pack --run-dir runs/fast
    """  # noqa: D301 (click reads the \b)
    from splitsr.cli.train_progress import TrainProgress

    with naming_extra("training", "train"):
        import torch
    from splitsr.data.pack import Pack
    from splitsr.training.config import read_config
    from splitsr.training.loop import train

    settings = read_config(config, changes)
    if threads:
        torch.set_num_threads(threads)
    with TrainProgress(settings) as progress:
        result = train(
            settings,
            Pack.open(data),
            run_dir,
            resume=resume,
            max_minutes=max_minutes,
            val_dir=val,
            device=device,
            report=progress.report,
            preparing=progress.preparing,
        )
    state = "finished" if result.finished else "stopped, go on with --resume"
    click.echo(f"step {result.step} of {result.total}: {state}; weights in {result.weights}")
