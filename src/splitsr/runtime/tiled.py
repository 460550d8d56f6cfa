"""Running a network over a picture of integers, tile by tile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from splitsr.errors import ImageTooLargeError
from splitsr.imaging.arrays import from_nchw, to_nchw
from splitsr.runtime.engine import Engine
from splitsr.runtime.tiling import Tile, auto_tile, plan_tiles, whole_image_pixels

TileSize = int | Literal["auto"]
"""Side of a tile in LR pixels, or `auto` for one that bounds memory."""


def plan_for(engine: Engine, height: int, width: int, tile: TileSize) -> tuple[Tile, ...]:
    """Plans the tiles of one pass.

    Args:
        engine: the network; its receptive radius is the halo.
        height: rows of the LR picture.
        width: columns of the LR picture.
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
                f"{width}x{height} pixels: {engine.name} averages over the whole picture and "
                f"cannot be tiled exactly; it takes at most {limit} pixels. Choose another model, "
                "or a tile size, and tiles may differ in tone"
            )
        return plan_tiles(height, width, max(height, width), 0)
    side = auto_tile(spec, height, width) if tile == "auto" else tile
    return plan_tiles(height, width, side, spec.receptive_radius)


def run_tiled(
    engine: Engine,
    lr: npt.NDArray[Any],
    tiles: tuple[Tile, ...],
    on_tile: Callable[[Tile], None] | None = None,
) -> npt.NDArray[Any]:
    """Enlarges a picture. Each tile is rounded to integers and put in its place at once.

    Args:
        engine: the network.
        lr: (H, W, 1|3) uint8 or uint16. Gray is given to the network as equal R, G and B, and
            is the mean of what comes out.
        tiles: a plan for (H, W).
        on_tile: called after each tile; what it raises ends the run.

    Returns:
        (scale * H, scale * W, 1|3) of the same dtype.
    """
    height, width, channels = lr.shape
    scale = engine.spec.scale
    sr = np.empty((height * scale, width * scale, channels), lr.dtype)
    for tile in tiles:
        rows, columns = tile
        window = lr[rows.start : rows.stop, columns.start : columns.stop]
        core = engine.run(to_nchw(window))[
            :,
            :,
            (rows.core_start - rows.start) * scale : (rows.core_stop - rows.start) * scale,
            (columns.core_start - columns.start) * scale : (columns.core_stop - columns.start)
            * scale,
        ]
        sr[
            rows.core_start * scale : rows.core_stop * scale,
            columns.core_start * scale : columns.core_stop * scale,
        ] = from_nchw(core, lr.dtype, channels)
        if on_tile:
            on_tile(tile)
    return sr
