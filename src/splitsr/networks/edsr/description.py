"""The description of EDSR."""

from __future__ import annotations

from splitsr.networks.base import (
    DIV2K_MEAN,
    MEAN_RULE,
    SCALE_RULE,
    ModelSpec,
    Rule,
    body_values,
    check_rules,
    count,
    residual_radius,
)


class EDSRSpec(ModelSpec, frozen=True, kw_only=True, tag="edsr"):
    """EDSR (Lim et al. 2017, arXiv 1707.02921). The defaults are EDSR-baseline.

    Attributes:
        n_feats: feature channels of the body.
        n_resblocks: residual blocks of two convolutions.
        res_scale: a block's change is multiplied by it before the sum, in (0, 1].
        rgb_mean: subtracted from the input and added to the output; all zero for none.
    """

    n_feats: int = 64
    n_resblocks: int = 16
    res_scale: float = 1.0
    rgb_mean: tuple[float, float, float] = DIV2K_MEAN

    def __post_init__(self) -> None:
        check_rules(self, _RULES)

    @property
    def tileable(self) -> bool:
        """Yes."""
        return True

    @property
    def receptive_radius(self) -> int:
        """Of the input, two convolutions a block, the trunk, and the upsampler."""
        return residual_radius(2 + 2 * self.n_resblocks, self.scale)

    @property
    def values_per_pixel(self) -> int:
        """Values that an engine holds at once for one LR pixel, estimated."""
        return body_values(self.n_feats, self.scale, self.n_feats)


_RULES: tuple[Rule, ...] = (
    SCALE_RULE,
    count("n_feats", 1),
    count("n_resblocks", 1),
    ("res_scale", lambda s: 0 < s.res_scale <= 1, lambda _: "above 0, at most 1"),
    MEAN_RULE,
)

PRESETS = {
    "edsr-baseline": EDSRSpec(),
    "edsr": EDSRSpec(n_feats=256, n_resblocks=32, res_scale=0.1),
}
"""The published networks of the family, by name, at x4."""
