"""The description of SMFANet."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from splitsr.networks.base import MAX_COUNT, Count, ModelSpec, body_values

_Even = Meta(ge=2, le=MAX_COUNT, multiple_of=2)


class SMFANetSpec(ModelSpec, frozen=True, kw_only=True, tag="smfanet"):
    """SMFANet (Zheng et al., ECCV 2024). The defaults are SMFANet+.

    Attributes:
        n_feats: feature channels of the body, even.
        n_blocks: feature mixing blocks.
    """

    n_feats: Annotated[int, _Even] = 48
    n_blocks: Count = 12

    @property
    def tileable(self) -> bool:
        """No: every block takes the variance of the whole image."""
        return False

    @property
    def receptive_radius(self) -> int:
        """Of the convolutions; the pooled path and the variance are left out."""
        return 2 + 2 * self.n_blocks

    @property
    def values_per_pixel(self) -> int:
        """Values that an engine holds at once for one LR pixel, estimated."""
        return body_values(self.n_feats, self.scale, 3)


PRESETS = {"smfanet": SMFANetSpec(n_feats=36, n_blocks=8), "smfanet-plus": SMFANetSpec()}
"""The published networks of the family, by name, at x4."""
