"""PSNR and SSIM on Y: the only definition of either in this project.

Both take uint8 RGB images, shave the border, and compare luma of BT.601 in studio range that is
not rounded, as most published super-resolution figures do. Everything is NumPy float64.
"""

from __future__ import annotations

from math import inf, log10
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from splitsr.imaging.color import rgb_to_y

_PEAK = 255.0
_K1, _K2 = 0.01, 0.03
_SIGMA = 1.5
_WINDOW = 11


def psnr_y(
    sr: npt.NDArray[np.uint8],
    hr: npt.NDArray[np.uint8],
    *,
    crop_border: int,
    round_y: bool = False,
) -> float:
    """Peak signal-to-noise ratio of luma, with a peak of 255.

    Args:
        sr: (H, W, 3) uint8 RGB.
        hr: (H, W, 3) uint8 RGB, what `sr` should be.
        crop_border: pixels shaved from each side, by custom the scale.
        round_y: round luma to whole levels first, as MATLAB's uint8 `rgb2ycbcr` does.

    Returns:
        Decibels; infinity for equal luma.

    Raises:
        ValueError: images of different or unsuitable shapes or dtypes, or nothing left to compare.
    """
    difference = np.subtract(*_luma_pair(sr, hr, crop_border, round_y, least=1))
    error = float(np.mean(difference**2))
    return inf if error == 0 else 10 * log10(_PEAK**2 / error)


def ssim_y(
    sr: npt.NDArray[np.uint8],
    hr: npt.NDArray[np.uint8],
    *,
    crop_border: int,
    round_y: bool = False,
) -> float:
    """Structural similarity of luma (Wang et al. 2004, "Image Quality Assessment").

    An 11x11 Gaussian window of sigma 1.5, K1 0.01, K2 0.03, L 255, averaged over the windows that
    lie inside the shaved image.

    Args:
        sr: (H, W, 3) uint8 RGB.
        hr: (H, W, 3) uint8 RGB, what `sr` should be.
        crop_border: pixels shaved from each side, by custom the scale.
        round_y: as for `psnr_y`.

    Returns:
        At most 1, which equal luma has.

    Raises:
        ValueError: as for `psnr_y`, or fewer than 11x11 pixels left.
    """
    x, y = _luma_pair(sr, hr, crop_border, round_y, least=_WINDOW)
    c1, c2 = (_K1 * _PEAK) ** 2, (_K2 * _PEAK) ** 2
    mean_x, mean_y = _blur(x), _blur(y)
    var_x = _blur(x * x) - mean_x**2
    var_y = _blur(y * y) - mean_y**2
    covariance = _blur(x * y) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    structure = (2 * covariance + c2) / (var_x + var_y + c2)
    return float(np.mean(luminance * structure))


def _luma_pair(
    sr: npt.NDArray[Any], hr: npt.NDArray[Any], crop_border: int, round_y: bool, least: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Shaved luma of both images, at least `least` pixels high and wide."""
    if sr.shape != hr.shape:
        raise ValueError(f"images of different shapes: sr {sr.shape}, hr {hr.shape}")
    for name, image in (("sr", sr), ("hr", hr)):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            found = f"{image.dtype} {image.shape}"
            raise ValueError(f"{name}: found {found}; must be uint8 (H, W, 3)")
    if crop_border < 0 or min(hr.shape[:2]) - 2 * crop_border < least:
        raise ValueError(
            f"crop_border: found {crop_border} for {hr.shape[0]}x{hr.shape[1]} pixels; "
            f"must be 0 or more and leave {least}x{least}"
        )
    rows, columns = (slice(crop_border, size - crop_border) for size in hr.shape[:2])
    first, second = (rgb_to_y(image[rows, columns]) for image in (sr, hr))
    return (np.round(first), np.round(second)) if round_y else (first, second)


def _blur(image: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Gaussian mean over every window that lies inside (H, W): (H - 10, W - 10)."""
    offsets = np.arange(_WINDOW) - _WINDOW // 2
    window = np.exp(-(offsets**2) / (2 * _SIGMA**2))
    window /= window.sum()
    for axis in (0, 1):
        image = sliding_window_view(image, _WINDOW, axis) @ window
    return image
