"""Arrays of pixels: to and from what a network takes, bit depths, transparency."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from splitsr.errors import ImageError

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

_STRIP_ROWS = 32


def to_nchw(color: NDArray[Any]) -> NDArray[np.float32]:
    """Lay an image out as a network takes it.

    Args:
        color: (H, W, 1) gray or (H, W, 3) RGB, uint8 or uint16.

    Returns:
        (1, 3, H, W) float32 in [0, 1], contiguous; gray is repeated.
    """
    height, width, channels = color.shape
    scale = np.float32(1 / np.iinfo(color.dtype).max)
    nchw = np.empty((1, 3, height, width), np.float32)
    for channel in range(3):
        np.multiply(color[:, :, channel % channels], scale, out=nchw[0, channel])
    return nchw


def from_nchw(
    nchw: NDArray[np.float32],
    dtype: DTypeLike,
    channels: int,
    out: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """Turn a network's output into an image: clamped to [0, 1], rounded half up.

    Args:
        nchw: (1, 3, H, W) float32, 1.0 the brightest; values outside [0, 1] are clamped.
        dtype: uint8 or uint16.
        channels: 3 for RGB, 1 for gray (the mean of the three channels).
        out: where to put it, (H, W, channels) of the dtype; by default a new array.

    Returns:
        `out`, or (H, W, channels) of the dtype, contiguous.

    Raises:
        ImageError: the output holds NaN, which no image can.
    """
    height, width = nchw.shape[2:]
    color = np.empty((height, width, channels), dtype) if out is None else out
    for top in range(0, height, _STRIP_ROWS):  # each strip stays in the cache for its five passes
        rows = slice(top, top + _STRIP_ROWS)
        strip = nchw[0, :, rows]
        planes = strip.mean(axis=0, keepdims=True) if channels == 1 else strip
        _round_planes(planes, color[rows])
    return color


def _round_planes(planes: NDArray[np.float32], out: NDArray[Any]) -> None:
    top = np.float32(np.iinfo(out.dtype).max)
    for channel, plane in enumerate(planes):
        # Half is added before clamping: the cast below then rounds half up, as it cuts off.
        levels = plane * top
        levels += np.float32(0.5)
        np.clip(levels, 0, top, out=levels)
        _cast(levels, out[:, :, channel])


def _cast(levels: NDArray[np.float32], out: NDArray[Any]) -> None:
    try:
        with np.errstate(invalid="raise"):
            np.copyto(out, levels, casting="unsafe")
    except FloatingPointError:
        raise ImageError(
            "the network's output holds NaN: the weights or the device's arithmetic are broken"
        ) from None


def to_uint8(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Reduce 16 bits to 8, rounded to the nearest level; 8 bits pass unchanged.

    65535 / 255 is 257 exactly, and an odd divisor leaves no ties.
    """
    if pixels.dtype == np.uint8:
        return pixels
    return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)


def flatten(color: NDArray[Any], alpha: NDArray[Any]) -> NDArray[Any]:
    """Lay an image over white.

    The mix is made of the stored values, not of linear light, as browsers and viewers do.

    Args:
        color: (H, W, C) uint8 or uint16, not premultiplied.
        alpha: (H, W) of the same dtype.

    Returns:
        (H, W, C) of the same dtype, rounded to nearest.
    """
    top = np.uint32(np.iinfo(color.dtype).max)
    weight = alpha.astype(np.uint32)[:, :, None]
    mixed = color * weight + top * (top - weight)  # at most 65535 ** 2: fits
    return ((mixed + top // 2) // top).astype(color.dtype)


def unpremultiply(color: NDArray[Any], alpha: NDArray[Any]) -> NDArray[Any]:
    """Divide colours by their alpha, rounded; where alpha is 0 the colour is 0."""
    top = int(np.iinfo(color.dtype).max)
    weight = np.maximum(alpha, 1).astype(np.uint64)[:, :, None]
    straight = (color.astype(np.uint64) * top + weight // 2) // weight
    clamped: NDArray[Any] = np.minimum(straight, top).astype(color.dtype)
    return clamped


def fill_transparent(color: NDArray[Any], alpha: NDArray[Any]) -> NDArray[Any]:
    """Give fully transparent pixels the colours of what is near them.

    Editors leave any colour, mostly black, under transparent pixels; enlarged as it is, it would
    bleed into the visible edge as a dark fringe. Colour and alpha are therefore enlarged apart: the
    colour after this, by the network, and alpha by bicubic. Pixels with any alpha keep their
    colours, bit for bit.

    The fill is the pull-push of Gortler et al., The Lumigraph, 1996: alpha-weighted means of 2x2
    pixels, again and again until no hole is left, then back down into the holes. Its cost
    (0.15 s a megapixel) does not depend on how far the holes reach.

    Args:
        color: (H, W, C) uint8 or uint16, not premultiplied.
        alpha: (H, W) of the same dtype, 0 transparent.

    Returns:
        (H, W, C) of the same dtype; `color` itself if nothing, or everything, is transparent.
    """
    holes = alpha == 0
    if not holes.any() or holes.all():
        return color
    weight = alpha.astype(np.float32) / np.float32(np.iinfo(alpha.dtype).max)
    filled = _pull_push(color.astype(np.float32), weight)
    rounded = np.floor(filled[holes] + np.float32(0.5))
    result = color.copy()
    result[holes] = np.minimum(rounded, np.iinfo(color.dtype).max).astype(color.dtype)
    return result


def _pull_push(color: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Fill the pixels of weight 0; (H, W, C) and (H, W), some weight not 0."""
    holes = weight == 0
    if not holes.any():
        return color
    total = _sum_2x2(weight)
    mean = _sum_2x2(color * weight[:, :, None])
    mean /= np.where(total > 0, total, 1)[:, :, None]
    coarse = _pull_push(mean, np.minimum(total, 1))
    height, width = holes.shape
    spread = coarse.repeat(2, axis=0).repeat(2, axis=1)[:height, :width]
    np.copyto(color, spread, where=holes[:, :, None])
    return color


def _sum_2x2(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sum blocks of 2x2 pixels, an odd last row or column alone."""
    height, width = values.shape[:2]
    rows = values[0::2].copy()
    rows[: height // 2] += values[1::2]
    blocks = rows[:, 0::2].copy()
    blocks[:, : width // 2] += rows[:, 1::2]
    return blocks
