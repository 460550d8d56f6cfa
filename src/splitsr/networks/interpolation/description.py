"""The description of an interpolation."""

from __future__ import annotations

from typing import Literal

from splitsr.networks.base import ModelSpec

Kernel = Literal["bilinear", "bicubic"]


class InterpolationSpec(ModelSpec, frozen=True, kw_only=True, tag="interpolation"):
    """Bilinear or bicubic interpolation, as a network without weights.

    Attributes:
        kernel: `bilinear`, today's digital zoom, or `bicubic`, MATLAB's.
    """

    kernel: Kernel = "bicubic"

    @property
    def trainable(self) -> bool:
        """No."""
        return False

    @property
    def receptive_radius(self) -> int:
        """Half the support of the kernel."""
        return 2 if self.kernel == "bicubic" else 1

    @property
    def values_per_pixel(self) -> int:
        """Values that an engine holds at once for one LR pixel, estimated."""
        return 3 + 2 * 3 * self.scale**2


PRESETS = {
    "bilinear": InterpolationSpec(kernel="bilinear"),
    "bicubic": InterpolationSpec(kernel="bicubic"),
}
"""The published networks of the family, by name, at x4."""
