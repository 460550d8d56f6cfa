"""Options that commands share, as decorators, and the refusal of a wrong call."""

from __future__ import annotations

import re
from collections.abc import Callable
from math import isnan
from pathlib import Path
from string import Formatter
from typing import IO, Any, Literal, TypeVar

import click

from splitsr.cli.output import say
from splitsr.runtime.scale_plan import MAX_SCALE, MIN_SCALE

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
NEW_FOLDER = click.Path(file_okay=False, path_type=Path)

Function = TypeVar("Function", bound=Callable[..., Any])


class Whole(click.IntRange):
    """A whole number; errors and help call it so."""

    name = "integer"


class Number(click.FloatRange):
    """A number; errors and help call it so."""

    name = "number"


class BadCall(click.ClickException):
    """A call that is wrong in view of the files that it names: one line, exit code 2."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:  # noqa: ARG002 (click's signature)
        """Prints the line."""
        say(self.format_message())


def _read_tile(
    _context: click.Context, _option: click.Parameter, value: str
) -> int | Literal["auto"]:
    if value == "auto":
        return "auto"
    if not value.isdecimal() or int(value) < 1:
        raise click.BadParameter(f"found {value!r}; must be auto, or a whole number of at least 1")
    return int(value)


def _read_scale(
    _context: click.Context, _option: click.Parameter, value: float | None
) -> float | None:
    if value is not None and isnan(value):  # it passes every comparison with a range
        raise click.BadParameter(f"found nan; must be a number from {MIN_SCALE} to {MAX_SCALE}")
    return value


def read_restore(_context: click.Context, _option: click.Parameter, value: str) -> float | str:
    """A strength, `auto` or `off`."""
    if value in ("auto", "off"):
        return value
    try:
        strength = float(value)
    except ValueError:
        strength = -1.0
    if not 0 <= strength <= 1:
        raise click.BadParameter(f"found {value!r}; must be auto, off, or a number from 0 to 1")
    return strength


def _read_size(_context: click.Context, _option: click.Parameter, value: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)[xX](\d+)", value)
    if not found or not (int(found[1]) and int(found[2])):
        raise click.BadParameter(f"found {value!r}; must read HxW, such as 128x128")
    return int(found[1]), int(found[2])


def model_options(function: Function) -> Function:
    """Adds --model, --scale, --tile and --threads: which network, and how it is run."""
    return _add(
        function,
        click.option(
            "--model",
            metavar="NAME",
            help="A model that `splitsr models` lists, a family such as splitsr-balanced, or an "
            ".onnx file that splitsr exported.  [default: splitsr-balanced]",
        ),
        click.option(
            "--scale",
            type=Number(MIN_SCALE, MAX_SCALE),
            callback=_read_scale,
            help=f"{MIN_SCALE} to {MAX_SCALE}, whole or not; above 4 in several passes.  "
            "[default: the model's own]",
        ),
        click.option(
            "--tile",
            metavar="N|auto",
            callback=_read_tile,
            default="auto",
            show_default=True,
            help="Side of a tile in input pixels. Smaller tiles take less memory; the image is "
            "the same.",
        ),
        threads_option,
    )


def _read_name(_context: click.Context, _option: click.Parameter, value: str) -> str:
    try:
        used = [field for _, field, *_ in Formatter().parse(value) if field is not None]
    except ValueError as error:
        raise click.BadParameter(f"found {value!r}: {error}") from None
    if "stem" not in used or {*used} - {"stem", "size"} or {"/", "\\"} & {*value}:
        raise click.BadParameter(
            f"found {value!r}; must be a file name with {{stem}}, and {{size}} if you like"
        )
    return value


def size_options(function: Function) -> Function:
    """Adds --width, --height and --max-side: a size in pixels in place of --scale."""
    pixels = Whole(1)
    return _add(
        function,
        click.option(
            "--width", type=pixels, metavar="PX", help="Enlarge to this width, instead of --scale."
        ),
        click.option(
            "--height",
            type=pixels,
            metavar="PX",
            help="Enlarge to this height; with --width, to fit into both.",
        ),
        click.option(
            "--max-side",
            type=pixels,
            metavar="PX",
            help="Enlarge until the longer side has this many pixels.",
        ),
    )


def naming_options(function: Function) -> Function:
    """Adds --name, --strip-metadata and --keep-times: what a result has of its input."""
    return _add(
        function,
        click.option(
            "--name",
            metavar="TEXT",
            callback=_read_name,
            default="{stem}_{size}",
            show_default=True,
            help="Name of a result, without its ending: {stem} is the input's, {size} reads x4 or "
            "4000w.",
        ),
        click.option(
            "--strip-metadata",
            is_flag=True,
            help="Leave out EXIF (place, camera), XMP, IPTC and comments; the colour profile "
            "stays.",
        ),
        click.option(
            "--keep-times", is_flag=True, help="Give each result its input's modification time."
        ),
    )


def threads_option(function: Function) -> Function:
    """Adds --threads, of a network."""
    text = "CPU threads.  [default: all there are]"
    return _add(function, click.option("--threads", type=Whole(1), help=text))


def ensemble_option(function: Function) -> Function:
    """Adds --ensemble: the geometric self-ensemble."""
    text = "Average over the eight flips and turns of the image: a little better, 8 times slower."
    return _add(function, click.option("--ensemble", is_flag=True, help=text))


def restore_option(function: Function) -> Function:
    """Adds --restore: how strongly compression and noise are removed."""
    return _add(
        function,
        click.option(
            "--restore",
            metavar="auto|off|0..1",
            callback=read_restore,
            default="auto",
            show_default=True,
            help="How strongly compression and noise are removed, by models that have learned to; "
            "auto goes by the quality of a JPEG, WebP, AVIF or HEIC and its noise, and leaves "
            "lossless files as they are.",
        ),
    )


def size_option(function: Function) -> Function:
    """Adds --size, height and width of the LR image that is timed, in pixels."""
    return _add(
        function,
        click.option(
            "--size",
            callback=_read_size,
            default="128x128",
            show_default=True,
            metavar="HxW",
            help="Size of the LR image.",
        ),
    )


def json_option(function: Function) -> Function:
    """Adds --json."""
    return _add(
        function, click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
    )


def output_options(function: Function) -> Function:
    """Adds --format, --quality, --skip-existing and --overwrite: what is written, and when."""
    return _add(
        function,
        click.option(
            "--format",
            "output_format",
            type=click.Choice(
                ["png", "jpeg", "jpg", "webp", "tiff", "tif", "avif", "jxl"], case_sensitive=False
            ),
            help="Format of the output.  [default: the input's; PNG if that cannot be written]",
        ),
        click.option(
            "--quality", type=Whole(1, 100), help="For jpeg, webp, avif and jxl: 1 to 100."
        ),
        click.option("--skip-existing", is_flag=True, help="Skip inputs whose output exists."),
        click.option("--overwrite", is_flag=True, help="Replace outputs that exist."),
    )


def engine_options(function: Function) -> Function:
    """Adds --engine and --address: which processes do the work."""
    return _add(
        function,
        click.option(
            "--engine",
            type=click.Choice(["local", "ray"]),
            default="local",
            show_default=True,
            help="local: this process. ray: workers on a Ray cluster, each with one thread or "
            "--threads; needs 'splitsr[ray]'.",
        ),
        click.option(
            "--address",
            metavar="HOST:PORT|auto",
            help="Address of the cluster's head node; auto for one that runs on this machine.  "
            "[default: a cluster of this machine, for this call]",
        ),
    )


def _add(function: Function, *options: Callable[[Function], Function]) -> Function:
    for option in reversed(options):
        function = option(function)
    return function
