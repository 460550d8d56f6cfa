"""The progress bar of `splitsr upscale`: files, tiles, megapixels a second, time left."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from splitsr.cli.output import printable, say
from splitsr.runtime.upscaler import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from splitsr.batch.job import Watch


NAME_LETTERS = 30
"""The most of a file's name that is shown beside the bar."""


class _BarProgress:
    """Shows a bar."""

    def __init__(self, bar: Bar, task: TaskID, files: int) -> None:
        self._bar, self._task, self._files = bar, task, files
        self._file = 0
        self._size = 0
        self._done = 0  # size of the files before this one
        self._pixels = 0  # of the files before this one
        self._file_pixels = 0
        self._begun = monotonic()

    def start(self, name: str, size: int) -> None:
        self._file += 1
        self._size = size
        self._file_pixels = 0
        self._show(
            0.0,
            name=_short(printable(Path(name).name)),
            files=f"{self._file}/{self._files}",
            tiles="",
        )

    def tile(self, progress: Progress) -> None:
        self._file_pixels = progress.pixels_done
        speed = (self._pixels + self._file_pixels) / 1e6 / max(monotonic() - self._begun, 1e-9)
        self._show(
            progress.pixels_done / progress.pixels_total,
            tiles=f"tile {progress.tiles_done}/{progress.tiles_total}",
            speed=f"{speed:.1f} MP/s",
        )

    def finish(self) -> None:
        self._done += self._size
        self._pixels += self._file_pixels
        self._size = 0
        self._show(0.0)

    def _show(self, share: float, **fields: Any) -> None:  # noqa: ANN401
        self._bar.update(self._task, completed=self._done + share * self._size, **fields)


class _LogProgress:
    """Says every half minute how far a batch is: for logs."""

    EVERY_S = 30

    def __init__(self, sizes: list[int]) -> None:
        self._files, self._total = len(sizes), sum(sizes)
        self._size, self._done, self._file = 0, 0, 0
        self._said = monotonic()

    def start(self, name: str, size: int) -> None:  # noqa: ARG002 (as the others)
        self._size = size
        self._file += 1

    def tile(self, progress: Progress) -> None:
        now = monotonic()
        if now < self._said + self.EVERY_S:
            return
        self._said = now
        share = self._done + self._size * progress.pixels_done / progress.pixels_total
        say(f"image {self._file} of {self._files}, {share / self._total:.0%} of all")

    def finish(self) -> None:
        self._done += self._size


def _short(name: str) -> str:
    """A file's name, of which the bar leaves room for so much: its beginning and its end."""
    return name if len(name) <= NAME_LETTERS else f"{name[:14]}…{name[15 - NAME_LETTERS :]}"


@contextmanager
def batch_progress(sizes: list[int]) -> Iterator[Watch]:
    """Shows on standard error how far a batch is: by a bar in a terminal, by lines in a log.

    Args:
        sizes: each file's share of the work, such as its bytes.
    """
    if not sys.stderr.isatty():
        yield _LogProgress(sizes)
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar
    from rich.table import Column

    whole = Column(no_wrap=True)
    columns = (
        TextColumn("{task.fields[files]} {task.fields[name]}", markup=False, table_column=whole),
        BarColumn(),
        TextColumn("{task.fields[tiles]} {task.fields[speed]}", markup=False, table_column=whole),
        TimeRemainingColumn(table_column=whole),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=sum(sizes), files="", name="", tiles="", speed="")
        yield _BarProgress(bar, task, len(sizes))
