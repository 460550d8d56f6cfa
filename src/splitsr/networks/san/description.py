"""The description of SAN."""

from __future__ import annotations

from math import ceil
from typing import Annotated

from msgspec import Meta

from splitsr.networks.base import MAX_COUNT, AttentionSpec, Count


class SANSpec(AttentionSpec, frozen=True, kw_only=True, tag="san"):
    """SAN (Dai et al., CVPR 2019), whose non-local modules see the whole image, too.

    Attributes:
        n_feats: feature channels of the body; at least 8 for the non-local modules.
        iterations: Newton-Schulz iterations of the covariance's square root.
    """

    n_feats: Annotated[int, Meta(ge=8, le=MAX_COUNT)] = 64
    n_resgroups: Count = 20
    n_resblocks: Count = 10
    iterations: Annotated[int, Meta(ge=2, le=MAX_COUNT)] = 5

    def engine_values(self, pixels: int) -> int:
        """As for others, and the similarity of all pairs of pixels in a quarter of the image.

        The matrix is held twice, before and after the softmax.
        """
        return super().engine_values(pixels) + 2 * ceil(pixels / 4) ** 2


PRESETS = {"san": SANSpec()}
"""The published networks of the family, by name, at x4."""
