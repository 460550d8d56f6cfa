"""Tile plans: how a large image is run in pieces without a visible or hidden seam.

A plan is pure arithmetic on LR pixels; every program that tiles (this package, the web app) is
held to the same golden plans.

Along each axis the image is cut into cores, which cover it exactly once. A core is computed
inside a window that gives it `halo` pixels of context on each side, or all there are up to the
image's border, where the network's own zero padding applies. With a halo of at least the
network's receptive radius, the tiled image equals the one computed whole.

All windows of a plan have one size: windows at the border, which need context on one side only,
get a larger core instead. So the engine sees a single input shape and reuses its memory, no
sliver of a tile is left at the end, and nothing is computed twice but the halos.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from math import ceil, isqrt
from typing import NamedTuple

from splitsr.networks import ModelSpec

AUTO_TILE_BYTES = 256 * 2**20
"""Memory that the engine may take for an automatic tile, as `engine_bytes` estimates it."""

BAND_VALUES = 48 * 2**20
"""Values that a row of tiles gives at most: rows wait for their encoder whole."""

WHOLE_IMAGE_BYTES = 4 * 2**30
"""Memory that the engine may take for a network that cannot be tiled."""

_FLOAT_BYTES = 4


class Span(NamedTuple):
    """One tile along one axis, in LR pixels; stops are exclusive.

    Attributes:
        start: first pixel that the network is given.
        stop: end of what the network is given.
        core_start: first pixel that is kept.
        core_stop: end of what is kept.
    """

    start: int
    stop: int
    core_start: int
    core_stop: int

    @property
    def length(self) -> int:
        """Pixels that the network is given."""
        return self.stop - self.start

    @property
    def core_length(self) -> int:
        """Pixels that are kept."""
        return self.core_stop - self.core_start

    def kept(self, scale: int) -> slice:
        """The core in what the network gives."""
        return slice((self.core_start - self.start) * scale, (self.core_stop - self.start) * scale)

    def place(self, scale: int) -> slice:
        """The core in the whole result."""
        return slice(self.core_start * scale, self.core_stop * scale)


class Tile(NamedTuple):
    """One run of the network: its window and the core that is kept of it."""

    rows: Span
    columns: Span

    @property
    def window_pixels(self) -> int:
        """Pixels that the network is given."""
        return self.rows.length * self.columns.length

    @property
    def core_pixels(self) -> int:
        """Pixels that are kept."""
        return self.rows.core_length * self.columns.core_length


def plan_axis(size: int, tile: int, halo: int) -> tuple[Span, ...]:
    """Cuts one axis.

    Args:
        size: length of the axis, at least 1.
        tile: length of a core with context on both sides, at least 1.
        halo: context on each side.

    Returns:
        Spans in order: their cores are disjoint and cover [0, size); their windows all have the
        same length, at most `tile + 2 * halo`, or are the whole axis.

    Raises:
        ValueError: a value below its least.
    """
    if size < 1 or tile < 1 or halo < 0:
        raise ValueError(
            f"size {size}, tile {tile}, halo {halo}: must be at least 1, at least 1, at least 0"
        )
    return _cut(size, _count(size, tile, halo), halo)


def _cut(size: int, count: int, halo: int) -> tuple[Span, ...]:
    """Cuts one axis into so many tiles."""
    if count == 1:
        return (Span(0, size, 0, size),)
    window = _window(size, count, halo)
    starts = [index * (size - window) // (count - 1) for index in range(count)]
    # Neighbours overlap by two halos at least: the cut in the middle leaves each its context.
    cuts = [0, *((right + left + window) // 2 for left, right in pairwise(starts)), size]
    return tuple(
        Span(start, start + window, *core)
        for start, core in zip(starts, pairwise(cuts), strict=True)
    )


def _count(size: int, tile: int, halo: int) -> int:
    """How many tiles `plan_axis` makes."""
    return max(1, ceil((size - 2 * halo) / tile))


def _window(size: int, count: int, halo: int) -> int:
    """How long the windows of so many tiles are."""
    return ceil((size + 2 * halo * (count - 1)) / count)


def plan_tiles(height: int, width: int, tile: int, halo: int) -> tuple[Tile, ...]:
    """Cuts an image, row by row.

    Args:
        height: rows of the LR image, at least 1.
        width: columns of the LR image, at least 1.
        tile: side of a core with context on all sides, at least 1.
        halo: context on each side; the network's `receptive_radius` or more.

    Returns:
        Tiles whose cores cover every LR pixel exactly once, all windows of one shape.

    Raises:
        ValueError: a value below its least.
    """
    return _cross(plan_axis(height, tile, halo), plan_axis(width, tile, halo))


def _cross(rows: tuple[Span, ...], columns: tuple[Span, ...]) -> tuple[Tile, ...]:
    """The tiles of both axes' spans, row by row."""
    return tuple(Tile(row, column) for row in rows for column in columns)


def engine_bytes(spec: ModelSpec) -> int:
    """Memory that the engine takes for one LR pixel of a window, estimated."""
    return _FLOAT_BYTES * spec.values_per_pixel


def whole_image_pixels(spec: ModelSpec) -> int:
    """The most LR pixels that a network which cannot be tiled is run on."""
    values = WHOLE_IMAGE_BYTES // _FLOAT_BYTES
    # The memory grows with the pixels, in some networks faster than they do.
    return bisect_right(range(1, values + 1), values, key=spec.engine_values)


def auto_tile(
    spec: ModelSpec, height: int, width: int, engine_memory: int = AUTO_TILE_BYTES
) -> int:
    """The side of a tile that keeps the engine under its memory.

    Images that stay under it whole are not cut. Others get the largest square window that does,
    less the halo; but at least two halos, or most of the work would go into context.

    Args:
        spec: the network.
        height: rows of the LR image.
        width: columns of the LR image.
        engine_memory: bytes that a run may take, as `engine_bytes` estimates it.

    Returns:
        A tile for `plan_tiles`, at least 1.
    """
    pixels = engine_memory // engine_bytes(spec)
    if height * width <= pixels:
        return max(height, width)
    halo = spec.receptive_radius
    return max(isqrt(pixels) - 2 * halo, 2 * halo)


def auto_tiles(
    spec: ModelSpec,
    height: int,
    width: int,
    lanes: int = 1,
    shared: bool = False,
    engine_memory: int = AUTO_TILE_BYTES,
) -> tuple[Tile, ...]:
    """The plan that bounds memory with the least work.

    An image that one run on all threads can take whole is not cut. Of any other, `lanes` windows
    share the engine's memory, and a row of tiles gives at most `BAND_VALUES` values. Among the
    plans that keep to both, the one with the fewest pixels to compute is taken, context and all;
    if the lanes have no other image, a lane without work at the end counts like the others.

    Args:
        spec: the network.
        height: rows of the LR image.
        width: columns of the LR image.
        lanes: runs that are made at once.
        shared: other images are run at the same time, so that none can have all of the memory.
        engine_memory: bytes that the engine may take, as `engine_bytes` estimates it.

    Returns:
        A plan as `plan_tiles` makes it.
    """
    halo = spec.receptive_radius
    memory = engine_memory // lanes
    side = auto_tile(spec, height, width, memory if shared else engine_memory)
    if side >= max(height, width):
        return plan_tiles(height, width, side, halo)
    side = auto_tile(spec, height, width, memory)
    pixels = max(memory // engine_bytes(spec), (side + 2 * halo) ** 2)
    band = max(BAND_VALUES // (3 * width * spec.scale**2), halo, 1)
    turn = 1 if shared else lanes

    def work(counts: tuple[int, int]) -> int:
        down, across = counts
        window = _window(height, down, halo) * _window(width, across, halo)
        return ceil(down * across / turn) * turn * window

    choices = []
    for down in {_count(height, rows, halo) for rows in range(1, min(height, band) + 1)}:
        columns = pixels // _window(height, down, halo) - 2 * halo
        if columns >= 1:
            least, most = _count(width, columns, halo), _count(width, 1, halo)
            choices += [(down, across) for across in range(least, min(least + turn, most + 1))]
    # Of equals, the one whose rows of tiles are the lowest: a row waits for its encoder whole.
    down, across = min(choices, key=lambda counts: (work(counts), -counts[0]))
    return _cross(_cut(height, down, halo), _cut(width, across, halo))
