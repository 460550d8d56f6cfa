"""Images that come in bands of rows, so that no more of them is in memory than is needed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray


@dataclass(frozen=True, eq=False)
class Rows:
    """An image from top to bottom, once.

    Attributes:
        height: rows in all.
        width: columns.
        channels: 1 or 3.
        dtype: uint8 or uint16.
        bands: (h, width, channels) of the dtype, with any h; together `height` rows. A band stays
            as it is after the next one was taken.
    """

    height: int
    width: int
    channels: int
    dtype: DTypeLike
    bands: Iterator[NDArray[Any]]

    @classmethod
    def of(cls, pixels: NDArray[Any]) -> Rows:
        """The rows of an image in memory, (H, W, C)."""
        height, width, channels = pixels.shape
        return cls(height, width, channels, pixels.dtype, iter([pixels]))

    @classmethod
    def constant(cls, height: int, width: int, value: np.generic) -> Rows:
        """Rows of one value, one channel."""
        row = np.broadcast_to(value, (1, width, 1))
        bands = (np.broadcast_to(row, (1, width, 1)) for _ in range(height))
        return cls(height, width, 1, value.dtype, bands)

    def with_bands(self, height: int, width: int, bands: Iterator[NDArray[Any]]) -> Rows:
        """Another image of the same channels and dtype."""
        return Rows(height, width, self.channels, self.dtype, bands)

    def gather(self) -> NDArray[Any]:
        """All rows in one array, (height, width, channels)."""
        pixels = np.empty((self.height, self.width, self.channels), self.dtype)
        top = 0
        for band in self.bands:
            pixels[top : top + len(band)] = band
            top += len(band)
        return pixels


class RowWindow:
    """A view that moves down over rows and forgets what it has left behind."""

    def __init__(self, rows: Rows) -> None:
        """Starts at the top; takes bands from `rows` as they are needed."""
        self._bands = rows.bands
        self._held: list[NDArray[Any]] = []
        self._top = 0  # row that the first held band starts with
        self._bottom = 0  # row after the last held band

    def take(self, start: int, stop: int) -> NDArray[Any]:
        """Rows from `start` to `stop`, a view where one band holds them all.

        Args:
            start: first row; never less than in an earlier call.
            stop: row after the last, at most the height.
        """
        self._forget(start)
        while self._bottom < stop:
            band = next(self._bands)
            self._held.append(band)
            self._bottom += len(band)
            self._forget(start)
        parts, top = [], self._top
        for band in self._held:
            parts.append(band[max(start - top, 0) : max(stop - top, 0)])
            top += len(band)
        parts = [part for part in parts if len(part)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _forget(self, start: int) -> None:
        while self._held and self._top + len(self._held[0]) <= start:
            self._top += len(self._held.pop(0))


class Strips:
    """Cuts bands of any height into strips of one height."""

    def __init__(self, rows: int) -> None:
        """Takes the height of a strip; only the last one may be lower."""
        self._rows = rows
        self._rest: list[NDArray[Any]] = []
        self._resting = 0

    def feed(self, band: NDArray[Any]) -> Iterator[NDArray[Any]]:
        """The strips that are complete with a band. The rest is copied, so the band may go."""
        start = 0
        if self._resting:
            start = min(self._rows - self._resting, len(band))
            self._rest.append(band[:start].copy())
            self._resting += start
            if self._resting < self._rows:
                return
            yield from self.flush()
        while start + self._rows <= len(band):
            yield band[start : start + self._rows]
            start += self._rows
        if start < len(band):
            self._rest, self._resting = [band[start:].copy()], len(band) - start

    def flush(self) -> Iterator[NDArray[Any]]:
        """What is left over, if anything."""
        if self._rest:
            yield np.concatenate(self._rest)
        self._rest, self._resting = [], 0
