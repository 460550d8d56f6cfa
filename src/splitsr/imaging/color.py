"""Luma, as super-resolution figures define it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

# MATLAB's rgb2ycbcr (ITU-R BT.601, studio range): Y = 16 + weights . RGB / 255.
Y_WEIGHTS = np.array([65.481, 128.553, 24.966]) / 255
_Y_OFFSET = 16.0


def rgb_to_y(rgb: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Luma of BT.601 in studio range, as MATLAB's `rgb2ycbcr`, but not rounded.

    Args:
        rgb: (..., 3), values from 0 to 255.

    Returns:
        (...) float64, 16 for black to 235 for white.

    Raises:
        ValueError: the last axis has not 3 channels.
    """
    if rgb.ndim < 1 or rgb.shape[-1] != 3:
        raise ValueError(f"rgb: found shape {rgb.shape}; the last axis must have 3 channels")
    return rgb.astype(np.float64) @ Y_WEIGHTS + _Y_OFFSET


def luma_levels(color: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Luma with the weights of BT.601, from 0 to 255 whatever the depth.

    Args:
        color: (H, W, 1|3) uint8 or uint16.

    Returns:
        (H, W) float64.
    """
    luma = color @ (Y_WEIGHTS / Y_WEIGHTS.sum()) if color.shape[2] == 3 else color[..., 0]
    levels: npt.NDArray[np.float64] = luma * (255 / np.iinfo(color.dtype).max)
    return levels
