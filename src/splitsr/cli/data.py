"""`splitsr data`: makes training packs, splits them into shards and joins these again."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from splitsr.cli.live_bar import counting
from splitsr.cli.options import (
    FOLDER,
    Number,
    Whole,
    ensemble_option,
    threads_option,
)
from splitsr.cli.output import markup
from splitsr.data.pack import DEFAULT_MIN_SIZE, Pack, PackReport, build_pack
from splitsr.data.shards import join_shards, write_shards
from splitsr.data.sources import find_images
from splitsr.errors import naming_extra
from splitsr.imaging.files import DEFAULT_MAX_PIXELS
from splitsr.networks.base import SCALES

_OVERWRITE = click.option("--overwrite", is_flag=True, help="Replace what is there.")
_OUT = click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="The pack to make."
)


@click.group()
def command() -> None:
    """Make training packs."""


@command.command()
@click.argument("folders", nargs=-1, required=True, type=FOLDER)
@_OUT
@click.option(
    "--min-size",
    type=Whole(1),
    default=DEFAULT_MIN_SIZE,
    show_default=True,
    help="Skip images with a side of fewer pixels.",
)
@click.option(
    "--max-pixels",
    type=Whole(1),
    default=DEFAULT_MAX_PIXELS,
    show_default=True,
    help="Skip images of more pixels.",
)
@click.option(
    "--shard-mb",
    type=Number(0, min_open=True),
    help="Also split the pack into shards of at most this many megabytes, in PACK.shards.",
)
@_OVERWRITE
def pack(
    folders: tuple[Path, ...],
    output: Path,
    min_size: int,
    max_pixels: int,
    shard_mb: float | None,
    overwrite: bool,
) -> None:
    """Decode all images in FOLDERS and their subfolders into a pack.

    Images that are broken, tiny or huge are named and skipped.

    \b
    Example:
      splitsr data pack photos -o data/photos.pack
      splitsr data pack photos -o data/photos.pack --shard-mb 60
    """  # noqa: D301 (click reads the \b)
    console = Console(stderr=True, highlight=False)
    sources = find_images(folders)
    with counting("Packing") as progress:
        report = build_pack(
            sources,
            output,
            min_size=min_size,
            max_pixels=max_pixels,
            overwrite=overwrite,
            progress=progress,
        )
    _print_report(console, report, output)
    if shard_mb is None:
        return
    shards = output.with_name(f"{output.name}.shards")
    with counting("Splitting") as progress:
        paths = write_shards(
            Pack.open(output),
            sources,
            shards,
            shard_bytes=int(shard_mb * 1e6),
            overwrite=overwrite,
            progress=progress,
        )
    size = sum(path.stat().st_size for path in paths)
    console.print(
        markup(f"{shards}: {len(paths)} shard{'s' * (len(paths) > 1)}, {size / 1e6:.1f} MB"),
        soft_wrap=True,
    )


@command.command()
@click.argument("shards", nargs=-1, required=True, type=click.Path(path_type=Path))
@_OUT
@_OVERWRITE
def join(shards: tuple[Path, ...], output: Path, overwrite: bool) -> None:
    """Rebuild a pack from its shards.

    SHARDS are all of them in any order, or a folder that holds them.

    \b
    Example:
      splitsr data join data/photos.pack.shards -o data/photos.pack
    """  # noqa: D301 (click reads the \b)
    console = Console(stderr=True, highlight=False)
    with counting("Joining") as progress:
        report = join_shards(shards, output, overwrite=overwrite, progress=progress)
    _print_report(console, report, output)


@command.command()
@click.argument("pack", type=FOLDER)
@click.option("--lr", type=FOLDER, required=True, help="Its LR images, named as the HR ones.")
@click.option(
    "--scale",
    type=Whole(min(SCALES), max(SCALES)),
    required=True,
    help="HR size divided by LR size.",
)
def pair(pack: Path, lr: Path, scale: int) -> None:
    """Give a pack LR images of your own.

    They may be photographed, or made another way than by bicubic. Runs at that scale learn from
    these pairs. Names match as in `splitsr evaluate --lr`.

    \b
    Example:
      splitsr data pack RealSR/HR -o realsr.pack
      splitsr data pair realsr.pack --lr RealSR/LR --scale 4
    """  # noqa: D301 (click reads the \b)
    from splitsr.data import pairs

    with naming_extra("pairing", "train"):
        import torch  # noqa: F401
    console, opened = Console(stderr=True, highlight=False), Pack.open(pack)
    with counting("LR images") as progress:
        path = pairs.pair(opened, lr, scale, progress)
    console.print(markup(f"{path}: {len(opened)} LR images"), soft_wrap=True)


@command.command()
@click.argument("pack", type=FOLDER)
@click.option("--model", required=True, help="The teacher, as `splitsr evaluate` takes it.")
@click.option("--name", help="Name of the targets.  [default: the model's]")
@ensemble_option
@threads_option
def teach(pack: Path, model: str, name: str | None, ensemble: bool, threads: int | None) -> None:
    """Compute a teacher's outputs for a pack, once.

    A run whose configuration names these `targets` learns from them as from the teacher itself, at
    half the time a step. Stopped, the command goes on where it was.

    \b
    Example:
      splitsr data teach photos.pack --model splitsr-accurate-x4
      splitsr data teach photos.pack --model teacher.safetensors --name teacher --ensemble
    """  # noqa: D301 (click reads the \b)
    with naming_extra("teaching", "train"):
        from splitsr.data.patches import lr_images
    from splitsr.data.targets import write_targets
    from splitsr.evaluation.upscalers import find_upscaler

    console = Console(stderr=True, highlight=False)
    opened, method = Pack.open(pack), find_upscaler(model, threads=threads, ensemble=ensemble)
    with counting("LR images") as progress:
        lr_image = lr_images(opened, method.scale, progress)
    with counting("Teaching") as progress:
        path = write_targets(
            opened,
            lr_image,
            method.upscale,
            method.scale,
            name or Path(model).stem,
            model=Path(model).name,
            ensemble=ensemble,
            progress=progress,
        )
    console.print(markup(f"{path}: targets of {len(opened)} images"), soft_wrap=True)


def _print_report(console: Console, report: PackReport, output: Path) -> None:
    for name, reason in report.skipped:
        console.print(markup(f"skipped {name}: {reason}"), soft_wrap=True)
    console.print(
        markup(
            f"{output}: {report.packed} images, {report.pixels / 1e6:.1f} megapixels, "
            f"{len(report.skipped)} skipped, sha256 {report.sha256}"
        ),
        soft_wrap=True,
    )
