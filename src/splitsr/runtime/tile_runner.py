"""Running a network over an image of integers, tile by tile."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import groupby
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from splitsr.errors import ImageTooLargeError
from splitsr.imaging.arrays import from_nchw, to_nchw
from splitsr.imaging.rows import Rows, RowWindow
from splitsr.runtime.engine import Engine, lane_of, lanes_of
from splitsr.runtime.shared_engine import SharedEngine
from splitsr.runtime.tile_plan import Span, Tile, auto_tiles, plan_tiles, whole_image_pixels

TileSize = int | Literal["auto"]
"""Side of a tile in LR pixels, or `auto` for one that bounds memory."""

OnTile = Callable[[Tile], None]


def plan_for(engine: Engine, height: int, width: int, tile: TileSize) -> tuple[Tile, ...]:
    """Plans the tiles of one pass.

    Args:
        engine: the network; its receptive radius is the halo.
        height: rows of the LR image.
        width: columns of the LR image.
        tile: the side asked for. With `auto`, a network that is not `tileable` is run whole.

    Raises:
        ImageTooLargeError: such a network, and more pixels than it can be run on.
        ValueError: a tile below 1.
    """
    spec = engine.spec
    if tile == "auto" and not spec.tileable:
        limit = whole_image_pixels(spec)
        if height * width > limit:
            raise ImageTooLargeError(
                f"{width}x{height} pixels: {engine.name} averages over the whole image and "
                f"cannot be tiled exactly; it takes at most {limit} pixels. Choose another model, "
                "or a tile size, and tiles may differ in tone"
            )
        return plan_tiles(height, width, max(height, width), 0)
    if tile == "auto":
        return auto_tiles(spec, height, width, lanes_of(engine), isinstance(engine, SharedEngine))
    return plan_tiles(height, width, tile, spec.receptive_radius)


def run_tiled(
    engine: Engine, lr: npt.NDArray[Any], tiles: tuple[Tile, ...], on_tile: OnTile | None = None
) -> npt.NDArray[Any]:
    """Enlarges an image in memory; see `stream_tiled`.

    Args:
        engine: the network.
        lr: (H, W, 1|3) uint8 or uint16.
        tiles: a plan for (H, W).
        on_tile: called after each tile; what it raises ends the run.

    Returns:
        (scale * H, scale * W, 1|3) of the same dtype.
    """
    return stream_tiled(engine, Rows.of(lr), tiles, on_tile).gather()


def stream_tiled(
    engine: Engine, lr: Rows, tiles: tuple[Tile, ...], on_tile: OnTile | None = None
) -> Rows:
    """Enlarges an image as its rows come: a band of the result for each row of tiles.

    Each tile is rounded to integers and put in its place at once. While a band waits to be taken,
    the tiles of the next one are computed.

    Args:
        engine: the network. If it can be divided, several tiles are computed at once.
        lr: the image. Gray is given to the network as equal R, G and B, and is the mean of what
            comes out.
        tiles: a plan for its size, row by row.
        on_tile: called after each tile, by whoever takes the bands; what it raises ends the run.
    """
    scale = engine.spec.scale
    bands = _bands(engine, lr, tiles, on_tile)
    return lr.with_bands(lr.height * scale, lr.width * scale, bands)


class _Band(NamedTuple):
    """A row of tiles at work."""

    pixels: npt.NDArray[Any]
    tiles: list[tuple[Tile, Future[None]]]


def _bands(
    engine: Engine, lr: Rows, tiles: tuple[Tile, ...], on_tile: OnTile | None
) -> Iterator[npt.NDArray[Any]]:
    lanes = lanes_of(engine) if len(tiles) > 1 else 1
    if lanes > 1:
        engine = lane_of(engine)
    window = RowWindow(lr)
    at_work: deque[_Band] = deque()
    pool = ThreadPoolExecutor(lanes)
    try:
        for rows, row in groupby(tiles, key=lambda tile: tile.rows):
            at_work.append(_start(pool, engine, lr, rows, list(row), window))
            if len(at_work) == 2:  # the next row keeps the lanes busy while this one is used
                yield _finish(at_work.popleft(), on_tile)
        while at_work:
            yield _finish(at_work.popleft(), on_tile)
    finally:
        pool.shutdown(cancel_futures=True)


def _start(
    pool: ThreadPoolExecutor,
    engine: Engine,
    lr: Rows,
    rows: Span,
    row: list[Tile],
    window: RowWindow,
) -> _Band:
    scale = engine.spec.scale
    height = rows.core_length * scale
    band = np.empty((height, lr.width * scale, lr.channels), lr.dtype)
    source = window.take(rows.start, rows.stop)
    return _Band(band, [(tile, pool.submit(_run_tile, engine, source, tile, band)) for tile in row])


def _finish(band: _Band, on_tile: OnTile | None) -> npt.NDArray[Any]:
    for tile, future in band.tiles:
        future.result()
        if on_tile:
            on_tile(tile)
    return band.pixels


def _run_tile(engine: Engine, source: npt.NDArray[Any], tile: Tile, band: npt.NDArray[Any]) -> None:
    """Computes a tile of the rows of `source`, and puts its core into the band."""
    scale = engine.spec.scale
    rows, columns = tile
    sr = engine.run(to_nchw(source[:, columns.start : columns.stop]))
    core = sr[:, :, rows.kept(scale), columns.kept(scale)]
    from_nchw(core, band.dtype, band.shape[2], out=band[:, columns.place(scale)])
