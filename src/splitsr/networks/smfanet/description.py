"""The description of SMFANet."""

from __future__ import annotations

from splitsr.networks.base import (
    SCALE_RULE,
    ModelSpec,
    Rule,
    body_values,
    check_rules,
    count,
)


class SMFANetSpec(ModelSpec, frozen=True, kw_only=True, tag="smfanet"):
    """SMFANet (Zheng et al., ECCV 2024). The defaults are SMFANet+.

    Attributes:
        n_feats: feature channels of the body, even.
        n_blocks: feature mixing blocks.
    """

    n_feats: int = 48
    n_blocks: int = 12

    def __post_init__(self) -> None:
        check_rules(self, _RULES)

    @property
    def tileable(self) -> bool:
        """No: every block takes the variance of the whole picture."""
        return False

    @property
    def receptive_radius(self) -> int:
        """Of the convolutions; the pooled path and the variance are left out."""
        return 2 + 2 * self.n_blocks

    @property
    def values_per_pixel(self) -> int:
        """Values that an engine holds at once for one LR pixel, estimated."""
        return body_values(self.n_feats, self.scale, 3)


_RULES: tuple[Rule, ...] = (
    SCALE_RULE,
    ("n_feats", lambda s: s.n_feats > 0 and s.n_feats % 2 == 0, lambda _: "2 or more, even"),
    count("n_blocks", 1),
)

PRESETS = {"smfanet": SMFANetSpec(n_feats=36, n_blocks=8), "smfanet-plus": SMFANetSpec()}
"""The published networks of the family, by name, at x4."""
