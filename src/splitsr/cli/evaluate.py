"""`splitsr evaluate`: PSNR and SSIM of a model on a folder of images, beside bicubic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click
import msgspec
from rich.console import Console
from rich.table import Table

from splitsr.cli.live_bar import counting
from splitsr.cli.options import (
    FOLDER,
    Whole,
    ensemble_option,
    json_option,
    restore_option,
    threads_option,
)
from splitsr.cli.output import markup
from splitsr.evaluation.score import BenchmarkResult, Score, Scores, evaluate_folder
from splitsr.imaging.resize import Edge

if TYPE_CHECKING:
    from splitsr.runtime.restore import Restore


@click.command()
@click.argument("model")
@click.option("--hr", "hr_dir", type=FOLDER, required=True, help="Folder of HR images.")
@click.option("--lr", "lr_dir", type=FOLDER, help="Folder of LR images.  [default: they are made]")
@click.option("--scale", type=Whole(2), help="The scale.  [default: the model's own]")
@click.option(
    "--edge",
    type=click.Choice(get_args(Edge)),
    default="mirror",
    show_default=True,
    help="Edge rule of bicubic: new MATLAB's or old MATLAB's.",
)
@click.option("--round-y", is_flag=True, help="Round luma to whole levels before comparing.")
@click.option("--degrade", metavar="SPEC", help="Degrade the LR images, e.g. noise=5,jpeg=90.")
@restore_option
@ensemble_option
@threads_option
@json_option
def command(
    model: str,
    hr_dir: Path,
    lr_dir: Path | None,
    scale: int | None,
    edge: Edge,
    round_y: bool,
    degrade: str | None,
    restore: Restore,
    ensemble: bool,
    threads: int | None,
    as_json: bool,
) -> None:
    """PSNR-Y and SSIM-Y of MODEL on a folder of images, with bicubic beside it.

    MODEL is a name that `splitsr models` lists, an ONNX file, a .safetensors file of weights, a
    published .pth of SMFANet, or bicubic. LR images are made by MATLAB's bicubic unless they are
    given. SPEC says what they go through then, bicubic's too: blur=SIGMA, noise=SIGMA,
    sharpen=AMOUNT, jpeg=QUALITY, webp=QUALITY and avif=QUALITY, in this order. --restore auto goes
    by the file of the last of these, as it does for a photo; without one it restores nothing.

    \b
    Examples:
      splitsr evaluate splitsr-balanced-x4 --hr Set5/HR
      splitsr evaluate splitsr-balanced-x4 --hr Set5/HR --degrade noise=5,jpeg=90
      splitsr evaluate bicubic --scale 4 --hr Set14/HR --lr Set14/LR_bicubic/X4 --edge clamp --json
    """  # noqa: D301 (click reads the \b)
    from splitsr.evaluation.upscalers import BICUBIC, find_upscaler

    if model == BICUBIC and scale is None:
        raise click.UsageError("bicubic needs a --scale, for example --scale 4")
    if model == BICUBIC and restore not in ("auto", "off"):
        raise click.UsageError("bicubic has no twin that restores; leave out --restore")
    method = find_upscaler(
        model, scale=scale, edge=edge, threads=threads, restore=restore, ensemble=ensemble
    )
    with counting("Evaluating") as progress:
        result = evaluate_folder(
            method.enlarge,
            method.scale,
            hr_dir,
            lr_dir,
            edge=edge,
            round_y=round_y,
            degrade=degrade,
            progress=progress,
        )
    if as_json:
        click.echo(msgspec.json.encode(_fields(model, result)))
    else:
        Console().print(_table(model, result))


def _fields(model: str, result: BenchmarkResult) -> dict[str, object]:
    """The JSON document. An infinite PSNR (equal luma) becomes null."""
    images = [
        {
            "name": ours.name,
            "psnr_y": ours.psnr_y,
            "ssim_y": ours.ssim_y,
            "restore": ours.restore,
            "bicubic_psnr_y": theirs.psnr_y,
            "bicubic_ssim_y": theirs.ssim_y,
        }
        for ours, theirs in zip(result.method.images, result.bicubic.images, strict=True)
    ]
    return {
        "model": model,
        "scale": result.scale,
        "degrade": result.degrade,
        "restore": result.method.restore,
        "psnr_y": result.method.psnr_y,
        "ssim_y": result.method.ssim_y,
        "bicubic_psnr_y": result.bicubic.psnr_y,
        "bicubic_ssim_y": result.bicubic.ssim_y,
        "images": images,
    }


def _table(model: str, result: BenchmarkResult) -> Table:
    degraded = f", {result.degrade}" if result.degrade else ""
    restored = f", restored at {result.method.restore:.2f}" if result.method.restore else ""
    table = Table("image", title=markup(f"{model}, x{result.scale}{degraded}{restored}"))
    for heading in ("PSNR-Y", "SSIM-Y", "bicubic PSNR-Y", "bicubic SSIM-Y"):
        table.add_column(heading, justify="right")
    for ours, theirs in zip(result.method.images, result.bicubic.images, strict=True):
        table.add_row(markup(ours.name), *_figures(ours), *_figures(theirs))
    table.add_section()
    table.add_row("mean", *_figures(result.method), *_figures(result.bicubic))
    return table


def _figures(score: Score | Scores) -> tuple[str, str]:
    return f"{score.psnr_y:.2f}", f"{score.ssim_y:.4f}"
