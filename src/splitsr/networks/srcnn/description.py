"""The description of SRCNN."""

from __future__ import annotations

from math import ceil
from typing import Annotated, Literal

from msgspec import Meta

from splitsr.networks.base import Count, ModelSpec

_Side = Annotated[int, Meta(ge=1, le=99)]


class SRCNNSpec(ModelSpec, frozen=True, kw_only=True, tag="srcnn"):
    """SRCNN (Dong et al. 2015, arXiv 1501.00092). The defaults are 9-5-5.

    Attributes:
        kernels: sides of the three convolutions, odd.
        widths: channels after the first and after the second.
        channels: 1 runs on luma, as published; 3 on RGB.
    """

    rules = (
        ("kernels", lambda s: all(kernel % 2 for kernel in s.kernels), lambda _: "odd numbers"),
    )

    kernels: tuple[_Side, _Side, _Side] = (9, 5, 5)
    widths: tuple[Count, Count] = (64, 32)
    channels: Literal[1, 3] = 1

    @property
    def receptive_radius(self) -> int:
        """Of the convolutions at full size and then of bicubic, which is zero from 2 pixels on."""
        full_size = sum(kernel // 2 for kernel in self.kernels)
        return ceil(2.5 + (full_size - 0.5) / self.scale) - 1

    @property
    def values_per_pixel(self) -> int:
        """Values for one LR pixel: everything runs at full size."""
        return (6 + sum(self.widths) + max(self.widths)) * self.scale**2


PRESETS = {
    "srcnn": SRCNNSpec(),
    "srcnn-915": SRCNNSpec(kernels=(9, 1, 5)),
    "srcnn-rgb": SRCNNSpec(channels=3),
}
"""The published networks of the family, by name, at x4."""
