"""Bilinear and bicubic interpolation as engines: what a light network can be replaced by."""

from __future__ import annotations

from functools import lru_cache
from typing import get_args

import numpy as np

from splitsr.imaging.resize import resize_bicubic
from splitsr.networks import InterpolationSpec
from splitsr.networks.interpolation.description import Kernel
from splitsr.runtime.engine import FloatArray

KERNELS: tuple[str, ...] = get_args(Kernel)


class InterpolationEngine:
    """Interpolation in float32; beyond the border the image is mirrored.

    Bicubic is that of `imaging.resize` but for rounding. Bilinear has half-pixel centres, as
    digital zooms have.
    """

    def __init__(self, kernel: Kernel, scale: int) -> None:
        """Describes it.

        Raises:
            SpecError: another kernel or scale.
        """
        self.spec = InterpolationSpec(kernel=kernel, scale=scale)
        self.name: str = kernel

    def run(self, lr: FloatArray) -> FloatArray:
        """Enlarges; see `Engine`. Bicubic overshoots at edges."""
        return self._stretch(self._stretch(lr, axis=2), axis=3)

    def _stretch(self, image: FloatArray, axis: int) -> FloatArray:
        """Enlarges one axis: every phase of the output is a weighted sum of shifted inputs."""
        scale, reach = self.spec.scale, self.spec.receptive_radius
        size = image.shape[axis]
        margins = [(0, 0)] * image.ndim
        margins[axis] = (reach, reach)
        padded = np.pad(image, margins, mode="symmetric")
        shifted = [padded.take(range(at, at + size), axis) for at in range(2 * reach + 1)]
        phases = np.empty((*image.shape[: axis + 1], scale, *image.shape[axis + 1 :]), np.float32)
        for phase, weights in enumerate(phase_weights(self.spec.kernel, scale)):
            place = phases[(slice(None),) * (axis + 1) + (phase,)]
            place[...] = 0
            for weight, moved in zip(weights, shifted, strict=True):
                if weight:
                    place += weight * moved
        return phases.reshape(*image.shape[:axis], size * scale, *image.shape[axis + 1 :])


@lru_cache
def phase_weights(kernel: Kernel, scale: int) -> FloatArray:
    """What each place in an LR pixel takes of the LR pixels around it.

    Returns:
        (scale, 2 * reach + 1) float32, each row summing to 1.
    """
    if kernel == "bilinear":
        offsets = (np.arange(scale) + 0.5) / scale - 0.5
        distances = np.abs(offsets[:, None] - np.arange(-1, 2))
        tent: FloatArray = np.maximum(1 - distances, 0).astype(np.float32)
        return tent
    # What bicubic makes of one bright pixel, seen from the pixels around it.
    points = resize_bicubic(np.eye(9), 9, 9 * scale)
    taps: FloatArray = points[2:7, 4 * scale : 5 * scale].T.astype(np.float32)
    return taps
