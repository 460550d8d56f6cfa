"""Bicubic resampling, equal to MATLAB's `imresize` to the last bit.

The LR images of every published super-resolution figure were made by MATLAB's `imresize`: Keys'
cubic (a = -0.5; Keys 1981, "Cubic Convolution Interpolation for Digital Image Processing"),
widened by the scale factor when it shrinks, weights normalised at each output pixel, one axis
after the other, and integer images rounded between the two passes. Other libraries differ in at
least one of these, which moves PSNR figures by tenths of a decibel.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from math import ceil
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from splitsr.imaging.rows import Rows, RowWindow

Edge = Literal["mirror", "clamp"]
"""How MATLAB reads beyond the border: `mirror` (today's) or `clamp` (before release 2010)."""

_KERNEL_WIDTH = 4.0
# One strip of work: output rows by values in a row. A float64 strip stays in the cache.
_STRIP_ROWS = 64
_STRIP_VALUES = 4096


@dataclass(frozen=True)
class _Taps:
    """Where the pixels of one axis come from.

    Attributes:
        indices: (out, taps) input positions, all inside the image.
        weights: (out, taps) float64, each row summing to 1.
    """

    indices: npt.NDArray[np.intp]
    weights: npt.NDArray[np.float64]


def resize_bicubic(
    image: npt.NDArray[Any], height: int, width: int, *, edge: Edge = "mirror"
) -> npt.NDArray[Any]:
    """Resizes to a given size, as MATLAB's `imresize(image, [height width])`.

    Args:
        image: (H, W) or (H, W, C), uint8, uint16, float32 or float64.
        height: output rows, at least 1.
        width: output columns, at least 1.
        edge: what lies beyond the border; see `Edge`.

    Returns:
        (height, width[, C]) of the same dtype. Integers are rounded half up and saturated after
        each of the two passes; floats are neither rounded nor clipped.

    Raises:
        TypeError: another dtype.
        ValueError: an empty image, a size below 1, another rank or an unknown edge rule.
    """
    _check(image, height, width, edge)
    scales = (height / image.shape[0], width / image.shape[1])
    return _resize(image, (height, width), scales, edge)


def resize_rows(rows: Rows, height: int, width: int) -> Rows:
    """Resizes an image that comes in bands, to the values that `resize_bicubic` gives.

    Args:
        rows: the image.
        height: output rows, at least 1.
        width: output columns, at least 1.
    """
    if (rows.height, rows.width) == (height, width):
        return rows
    scales = (height / rows.height, width / rows.width)
    for axis in _axis_order(scales):
        size, out_size = ((rows.height, height), (rows.width, width))[axis]
        taps = _plan_taps(size, out_size, scales[axis], "mirror")
        if axis == 0:
            rows = rows.with_bands(height, rows.width, _stream_rows(rows, taps))
        else:
            bands = map(partial(_resample_columns, taps=taps), rows.bands)
            rows = rows.with_bands(rows.height, width, bands)
    return rows


def _stream_rows(rows: Rows, taps: _Taps) -> Iterator[npt.NDArray[Any]]:
    """Resamples along the first axis as the rows come."""
    window = RowWindow(rows)
    strips = [slice(top, top + _STRIP_ROWS) for top in range(0, len(taps.indices), _STRIP_ROWS)]
    # Mirrored at the lower border, a later strip may reach higher than an earlier one.
    lows = np.minimum.accumulate([taps.indices[strip].min() for strip in strips[::-1]])[::-1]
    for low, strip in zip(map(int, lows), strips, strict=True):
        indices = taps.indices[strip]
        source = window.take(low, int(indices.max()) + 1)
        yield _resample_rows(source, _Taps(indices - low, taps.weights[strip]))


def rescale_bicubic(
    image: npt.NDArray[Any], scale: float, *, edge: Edge = "mirror"
) -> npt.NDArray[Any]:
    """Resizes by a factor, as MATLAB's `imresize(image, scale)`.

    Differs from `resize_bicubic` only where `scale` times the size is no whole number: the output
    has ceil(scale * size) pixels, spaced by `scale` itself and not by the ratio of the sizes.

    Args:
        image: as for `resize_bicubic`.
        scale: the factor, above 0; 1/4 makes the LR image of a 4x task.
        edge: as for `resize_bicubic`.

    Returns:
        (ceil(scale * H), ceil(scale * W)[, C]) of the same dtype.

    Raises:
        TypeError: another dtype.
        ValueError: as for `resize_bicubic`, or a scale that is not above 0.
    """
    if not 0 < scale < float("inf"):
        raise ValueError(f"scale: found {scale}; must be above 0")
    height, width = (ceil(scale * size) for size in image.shape[:2])
    _check(image, height, width, edge)
    return _resize(image, (height, width), (scale, scale), edge)


def crop_to_multiple(image: npt.NDArray[Any], scale: int) -> npt.NDArray[Any]:
    """Crops at the bottom and the right to a size that `scale` divides ("mod-crop").

    Args:
        image: (H, W[, C]).
        scale: the divisor.

    Returns:
        A view of (H - H % scale, W - W % scale[, C]).
    """
    height, width = image.shape[:2]
    return image[: height - height % scale, : width - width % scale]


def _check(image: npt.NDArray[Any], height: int, width: int, edge: str) -> None:
    if image.dtype not in (np.uint8, np.uint16, np.float32, np.float64):
        raise TypeError(f"image: found {image.dtype}; must be uint8, uint16, float32 or float64")
    if image.ndim not in (2, 3) or image.size == 0:
        raise ValueError(
            f"image: found shape {image.shape}; must be (H, W) or (H, W, C), not empty"
        )
    if height < 1 or width < 1:
        raise ValueError(f"size: found {height}x{width}; both must be at least 1")
    if edge not in get_args(Edge):
        raise ValueError(f"edge: found {edge!r}; must be one of {', '.join(get_args(Edge))}")


def _resize(
    image: npt.NDArray[Any], sizes: tuple[int, int], scales: tuple[float, float], edge: Edge
) -> npt.NDArray[Any]:
    pixels = image if image.ndim == 3 else image[..., None]
    for axis in _axis_order(scales):
        taps = _plan_taps(image.shape[axis], sizes[axis], scales[axis], edge)
        pixels = (_resample_rows, _resample_columns)[axis](pixels, taps)
    return pixels if image.ndim == 3 else pixels[..., 0]


def _axis_order(scales: tuple[float, float]) -> list[int]:
    """MATLAB starts with the axis that shrinks most; of equals, with the rows."""
    return sorted((0, 1), key=lambda axis: scales[axis])


def _cubic(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Keys' cubic convolution kernel with a = -0.5, support [-2, 2]."""
    x = np.abs(x)
    near = (1.5 * x - 2.5) * x**2 + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x <= 1, near, np.where(x <= 2, far, 0.0))


@lru_cache(maxsize=64)
def _plan_taps(size: int, out_size: int, scale: float, edge: Edge) -> _Taps:
    """Indices and weights of one axis, from `size` to `out_size` pixels."""
    shrink = min(scale, 1.0)
    width = _KERNEL_WIDTH / shrink
    # Centres of the output pixels, on the input's axis, which counts from 0.
    centres = (np.arange(out_size) + 0.5) / scale - 0.5
    first = np.floor(centres - width / 2)
    positions = first[:, None] + np.arange(ceil(width) + 2)
    weights = _cubic(shrink * (centres[:, None] - positions))
    weights /= weights.sum(axis=1, keepdims=True)
    used = np.any(weights != 0, axis=0)
    indices = _fold(positions[:, used].astype(np.intp), size, edge)
    return _Taps(indices, np.ascontiguousarray(weights[:, used]))


def _fold(positions: npt.NDArray[np.intp], size: int, edge: Edge) -> npt.NDArray[np.intp]:
    """Brings positions beyond the border back into [0, size)."""
    if edge == "clamp":
        return positions.clip(0, size - 1)
    positions = positions % (2 * size)  # the border pixel is repeated: 1 0 | 0 1 2 | 2 1
    return np.minimum(positions, 2 * size - 1 - positions)


def _resample_rows(image: npt.NDArray[Any], taps: _Taps) -> npt.NDArray[Any]:
    """Resamples (H, W, C) along its first axis, a strip at a time."""
    rows = image.reshape(image.shape[0], -1)
    out = np.empty((len(taps.indices), rows.shape[1]), image.dtype)
    for left in range(0, rows.shape[1], _STRIP_VALUES):
        values = slice(left, left + _STRIP_VALUES)
        for top in range(0, len(out), _STRIP_ROWS):
            strip = slice(top, top + _STRIP_ROWS)
            _weigh(rows[:, values], taps.indices[strip], taps.weights[strip], out[strip, values])
    return out.reshape(len(out), *image.shape[1:])


def _resample_columns(image: npt.NDArray[Any], taps: _Taps) -> npt.NDArray[Any]:
    """Resamples (H, W, C) along its second axis, by `_resample_rows` on turned strips."""
    height, _, channels = image.shape
    out = np.empty((height, len(taps.indices), channels), image.dtype)
    step = max(1, _STRIP_VALUES // channels)
    for top in range(0, height, step):
        turned = np.ascontiguousarray(image[top : top + step].swapaxes(0, 1))
        out[top : top + step] = _resample_rows(turned, taps).swapaxes(0, 1)
    return out


def _weigh(
    rows: npt.NDArray[Any],
    indices: npt.NDArray[np.intp],
    weights: npt.NDArray[np.float64],
    out: npt.NDArray[Any],
) -> None:
    """Writes weighted sums of rows to `out`, summed in float64, tap after tap.

    The order of summation is fixed: with another one (a matrix product's, say) sums that end in
    a half could round to the other side.
    """
    low, high = int(indices.min()), int(indices.max()) + 1
    source = rows[low:high].astype(np.float64)
    total = np.zeros(out.shape)
    product = np.empty(out.shape)
    for index, weight in zip((indices - low).T, weights.T, strict=True):
        np.take(source, index, axis=0, out=product, mode="clip")
        product *= weight[:, None]
        total += product
    if out.dtype.kind == "u":
        total += 0.5
        np.floor(total, out=total)
        total.clip(0, np.iinfo(out.dtype).max, out=total)
    out[...] = total
