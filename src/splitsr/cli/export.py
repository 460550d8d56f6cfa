"""`splitsr export`: a model for another runtime, written only if it computes the same."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from splitsr.cli.options import FOLDER, BadCall, json_option, read_restore
from splitsr.errors import naming_extra
from splitsr.export.target import RUNTIMES, Format, Layout, Precision, Target
from splitsr.zoo.catalogue import is_model_path

if TYPE_CHECKING:
    from splitsr.export.checked import CheckedExport


def _read_size(
    _context: click.Context, _option: click.Parameter, value: str
) -> tuple[int, int] | None:
    if value == "dynamic":
        return None
    found = re.fullmatch(r"(\d+)[xX](\d+)", value)
    if not found or min(int(found[1]), int(found[2])) < 8:
        raise click.BadParameter(
            f"found {value!r}; must be dynamic, or HxW of at least 8x8, such as 256x256"
        )
    return int(found[1]), int(found[2])


def _read_strength(context: click.Context, option: click.Parameter, value: str) -> float:
    strength = read_restore(context, option, value)
    if strength == "auto":
        raise click.BadParameter(
            "found 'auto'; a file has one strength: give a number from 0 to 1, such as 0.75"
        )
    return 0.0 if isinstance(strength, str) else strength


def _read_model(_context: click.Context, _argument: click.Parameter, value: str) -> str:
    name = value.removesuffix("-int8")
    if name != value:
        raise click.BadParameter(
            f"found {value!r}, which is rounded already; give {name} and --precision int8"
        )
    if is_model_path(value) and not value.endswith(".safetensors"):
        raise BadCall(f"{value}: an export starts from weights; give a .safetensors file or a name")
    return value


@click.command()
@click.argument("model", callback=_read_model)
@click.option("--format", "kind", type=click.Choice(get_args(Format)), required=True)
@click.option(
    "--precision",
    type=click.Choice(get_args(Precision)),
    default="fp32",
    show_default=True,
    help="fp16: weights in half the bytes (executorch: the arithmetic alone). int8: integer "
    "arithmetic. Input and output stay float.",
)
@click.option(
    "--input",
    "size",
    metavar="HxW|dynamic",
    callback=_read_size,
    default="dynamic",
    show_default=True,
    help="Size of the LR image.",
)
@click.option(
    "--layout",
    type=click.Choice(get_args(Layout)),
    help="Order of the axes of input and output.  [default: the runtime's own: nhwc for litert, "
    "nchw for the others]",
)
@click.option(
    "--restore",
    metavar="off|0..1",
    callback=_read_strength,
    default="off",
    show_default=True,
    help="How strongly compression and noise are removed, by a model that has a twin for it; the "
    "file does so to every image.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="File to write: .onnx, .tflite, .param (ncnn and Upscayl, with a .bin beside it), .pte "
    "or .mlpackage.",
)
@click.option(
    "--images", type=FOLDER, help="HR photos to compare on.  [default: three that are included]"
)
@click.option(
    "--calibration",
    type=FOLDER,
    help="HR photos to calibrate int8 on; some dozens are good.  [default: those of --images]",
)
@click.option("--overwrite", is_flag=True, help="Replace an output that exists.")
@json_option
def command(
    model: str,
    kind: Format,
    precision: Precision,
    size: tuple[int, int] | None,
    layout: Layout | None,
    restore: float,
    output: Path,
    images: Path | None,
    calibration: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Write a model for another runtime.

    MODEL is a name that `splitsr models` lists, a .safetensors file of weights, or an untrained
    network that `splitsr info` knows, such as edsr-baseline-x4. The export is run in its own
    runtime on photographs and compared with the network in PyTorch; one that loses more than
    0.01 dB of PSNR-Y (fp16: 0.05, int8: 0.15) is not written. docs/deploy.md shows how to use each
    format.

    \b
    Examples:
      splitsr export splitsr-fast-x4 --format litert --precision int8 -o fast.tflite
      splitsr export splitsr-fast-x4 --format ncnn --precision fp16 -o fast.param
      splitsr export splitsr-balanced-x4 --format onnx --restore 0.75 -o photos.onnx
    """  # noqa: D301 (click reads the \b)
    target = Target(
        format=kind, precision=precision, size=size, layout=layout or RUNTIMES[kind].layout
    )
    _check(target, output)
    export = _export(model, target, restore, output, images, calibration, overwrite=overwrite)
    if as_json:
        import msgspec

        click.echo(msgspec.json.encode(export))
    else:
        _print(export)


def _check(target: Target, output: Path) -> None:
    if target.refusal:
        raise BadCall(target.refusal)
    runtime = RUNTIMES[target.format]
    if output.suffix.lower() != runtime.suffixes[0]:
        raise BadCall(f"{output}: a file for {runtime.title} must end in {runtime.suffixes[0]}")


def _export(
    model: str,
    target: Target,
    restore: float,
    output: Path,
    images: Path | None,
    calibration: Path | None,
    *,
    overwrite: bool,
) -> CheckedExport:
    with naming_extra("exporting a model", RUNTIMES[target.format].extra):
        from splitsr.export.checked import export_checked, own_photos, some_photos
        from splitsr.export.source import find_source
    name, network = find_source(model, restore)
    photos = some_photos(images) if images else own_photos()
    return export_checked(
        network,
        target,
        output,
        name=name,
        restore=restore,
        images=photos,
        calibration=some_photos(calibration) if calibration else photos,
        overwrite=overwrite,
    )


def _print(export: CheckedExport) -> None:
    runtime = RUNTIMES[export.format]
    anything = "{0}x{0} to {1}x{1}".format(*runtime.sides) if runtime.sides else "any size"
    size = anything if export.size is None else "{}x{}".format(*export.size)
    click.echo(f"{export.model}: {runtime.title}, {export.precision}, {export.layout}, {size}")
    if not export.images:
        click.echo(f"not run, not compared: {runtime.title} runs on macOS only")
    else:
        click.echo(
            f"run by {export.runtime} on {export.images} photos: {export.psnr_y:.3f} dB, "
            f"{export.loss_db:+.4f} dB lost (allowed: {export.allowed_loss_db:g}), agreement "
            f"{export.agreement_db:.1f} dB"
        )
    for file in export.files:
        click.echo(f"wrote {file.path} ({file.size / 1e3:.0f} kB)")
