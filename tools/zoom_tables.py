"""What ZoomSR takes in a browser, of results/zoom.json, as a table."""

from __future__ import annotations

from pathlib import Path

import msgspec

from splitsr.benchmark.timing import Machine
from splitsr.experiments.result_files import markdown_table, read_json


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """A photo, in pixels."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width * self.height / 1e6:.0f} megapixels"


class FirstView(msgspec.Struct, frozen=True, kw_only=True):
    """From the choice of a photo until all of the view is sharp, on one screen.

    Attributes:
        screen: its name.
        sharp_ms: milliseconds.
    """

    screen: str
    sharp_ms: int


class WholePhoto(Size, frozen=True, kw_only=True):
    """A whole photo to PNG, by the app and by `splitsr upscale` in turn.

    Attributes:
        model: that enlarges.
        rounds: that the figures are medians of.
        app_ms: milliseconds of the app.
        command_ms: milliseconds of the command, from its start.
    """

    model: str
    rounds: int
    app_ms: int
    command_ms: int


class ZoomFile(msgspec.Struct, frozen=True, kw_only=True):
    """What `python -m tools.benchmarks.zoom` writes."""

    machine: Machine
    threads: int
    browser: str
    photo: Size
    zoom: int
    cases: tuple[FirstView, ...]
    upscaling: WholePhoto


def zoom_blocks(path: Path) -> dict[str, str]:
    """The generated block of docs/zoomsr.md.

    Raises:
        DataError: the file cannot be read, or is another.
    """
    found = read_json(path, ZoomFile, "the speed of ZoomSR")
    whole = found.upscaling
    first = f"{found.photo}, zoomed to {found.zoom}x, until all of the view is sharp"
    rows = [
        *((f"{first}: {case.screen}", f"{case.sharp_ms / 1e3:.2f} s") for case in found.cases),
        (f"{whole}, the whole of them, to a PNG", f"{whole.app_ms / 1e3:.2f} s"),
        ("the same by `splitsr upscale`", f"{whole.command_ms / 1e3:.2f} s"),
    ]
    measured = (
        f"Medians of {whole.rounds} rounds, {found.threads} threads. {found.machine.cpu}, "
        f"{found.machine.cores} cores, {found.browser}."
    )
    return {"speed": f"{markdown_table(('', whole.model), rows)}\n\n{measured}"}
