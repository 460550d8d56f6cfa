"""The description of RCAN."""

from __future__ import annotations

from splitsr.networks.base import (
    BLOCKS_RULE,
    DIV2K_MEAN,
    MEAN_RULE,
    REDUCTION_RULES,
    SCALE_RULE,
    ModelSpec,
    Rule,
    body_values,
    check_rules,
    count,
    residual_radius,
)


class RCANSpec(ModelSpec, frozen=True, kw_only=True, tag="rcan"):
    """RCAN (Zhang et al. 2018, arXiv 1807.02758).

    Attributes:
        n_feats: feature channels of the body.
        n_resgroups: residual groups, each closed by a convolution and a short skip.
        n_resblocks: residual channel attention blocks in a group.
        reduction: the attention's bottleneck is `n_feats // reduction` channels wide.
        rgb_mean: subtracted from the input and added to the output; all zero for none.
    """

    n_feats: int = 64
    n_resgroups: int = 10
    n_resblocks: int = 20
    reduction: int = 16
    rgb_mean: tuple[float, float, float] = DIV2K_MEAN

    def __post_init__(self) -> None:
        check_rules(self, _RULES)

    @property
    def tileable(self) -> bool:
        """No: channel attention averages over the whole picture."""
        return False

    @property
    def receptive_radius(self) -> int:
        """Of the convolutions; the attention's average is left out."""
        return residual_radius(2 + self.n_resgroups * (2 * self.n_resblocks + 1), self.scale)

    @property
    def values_per_pixel(self) -> int:
        """Values that an engine holds at once for one LR pixel, estimated."""
        return body_values(self.n_feats, self.scale, self.n_feats)


_RULES: tuple[Rule, ...] = (
    SCALE_RULE,
    count("n_feats", 1),
    count("n_resgroups", 1),
    count("n_resblocks", 1),
    BLOCKS_RULE,
    *REDUCTION_RULES,
    MEAN_RULE,
)

PRESETS = {"rcan": RCANSpec()}
"""The published networks of the family, by name, at x4."""
