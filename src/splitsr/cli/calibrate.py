"""`splitsr calibrate`: how a light and a heavy network share images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from splitsr.cli.options import FOLDER, BadCall, Number, Whole, json_option, threads_option

if TYPE_CHECKING:
    from splitsr.dispatch.engine import Calibration


@click.command()
@click.argument("folder", metavar="FOLDER", type=FOLDER)
@click.option(
    "--model",
    default="splitsr-balanced-x4",
    show_default=True,
    metavar="NAME",
    help="The heavy network: a model's name, or an .onnx file.",
)
@click.option(
    "--light",
    default="splitsr-fast-x4",
    show_default=True,
    metavar="NAME",
    help="The light one: a model of the same scale, bilinear or bicubic.",
)
@click.option(
    "--share",
    type=Number(0, 1),
    help="Share of the pixels that the light network gets at least.",
)
@click.option(
    "--max-loss",
    type=Number(0, 10),
    metavar="DB",
    help="PSNR-Y that may be lost, a mean over the images.",
)
@click.option("--patch-size", type=Whole(4, 512), help="In LR pixels.  [default: 16]")
@click.option("--halo", type=Whole(0, 64), help="Context in LR pixels.  [default: 3]")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write, *.json, for `splitsr upscale --dispatch`.",
)
@click.option("--overwrite", is_flag=True, help="Replace a file that exists.")
@threads_option
@json_option
def command(
    folder: Path,
    model: str,
    light: str,
    share: float | None,
    max_loss: float | None,
    patch_size: int | None,
    halo: int | None,
    output: Path | None,
    overwrite: bool,
    threads: int | None,
    as_json: bool,
) -> None:
    """Calibrate how a light and a heavy network share images.

    FOLDER has photos in full size; their LR images are made by bicubic. The threshold is found at
    which the light network gets a --share of the pixels, or at which no more than --max-loss is
    lost against the heavy network alone.

    \b
    Examples:
      splitsr calibrate photos --max-loss 0.05 -o dispatch.json
      splitsr calibrate photos --light bicubic --share 0.3 -o dispatch.json
      splitsr upscale photo.jpg --dispatch dispatch.json
    """  # noqa: D301 (click reads the \b)
    from splitsr.dispatch.engine import HALO, PATCH_SIZE, Calibration
    from splitsr.imaging.atomic import check_target, write_atomic

    if (share is None) == (max_loss is None):
        raise click.UsageError("give one of --share and --max-loss")
    if output and output.suffix != ".json":
        raise BadCall(f"{output}: must end in .json, by which `splitsr upscale` knows it")
    if output:
        check_target(output, overwrite=overwrite)
    start = Calibration(
        heavy=model,
        light=light,
        threshold=0.0,
        patch_size=patch_size or PATCH_SIZE,
        halo=HALO if halo is None else halo,
    )
    found = _calibrate(folder, start, share, max_loss, threads)
    content = _to_json(found)
    if output:
        write_atomic(output, content, overwrite=overwrite)
    click.echo(content.decode() if as_json else _line(found), nl=not as_json)


def _calibrate(
    folder: Path,
    start: Calibration,
    share: float | None,
    max_loss: float | None,
    threads: int | None,
) -> Calibration:
    from splitsr.cli.live_bar import counting
    from splitsr.evaluation.dispatch_calibration import calibrate, load_pair
    from splitsr.evaluation.score import load_pairs

    pairs = load_pairs(folder, load_pair(start.heavy, start.light, threads)[0].spec.scale)
    with counting("Calibrating") as progress:
        return calibrate(
            start, pairs, share=share, max_loss=max_loss, threads=threads, progress=progress
        )


def _to_json(found: Calibration) -> bytes:
    import msgspec

    return msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n"


def _line(found: Calibration) -> str:
    return (
        f"threshold {found.threshold:g}: {found.light} computes {100 * (found.share or 0):.0f} % "
        f"of the pixels and loses {found.loss:.3f} dB ({found.images} images)"
    )
