"""The description of SAN."""

from __future__ import annotations

from math import ceil

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


class SANSpec(ModelSpec, frozen=True, kw_only=True, tag="san"):
    """SAN (Dai et al., CVPR 2019).

    Attributes:
        n_feats: feature channels of the body; at least 8 for the non-local modules.
        n_resgroups: local-source residual attention groups.
        n_resblocks: residual blocks in a group.
        reduction: the attention's bottleneck is `n_feats // reduction` channels wide.
        iterations: Newton-Schulz iterations of the covariance's square root.
        rgb_mean: subtracted from the input and added to the output; all zero for none.
    """

    n_feats: int = 64
    n_resgroups: int = 20
    n_resblocks: int = 10
    reduction: int = 16
    iterations: int = 5
    rgb_mean: tuple[float, float, float] = DIV2K_MEAN

    def __post_init__(self) -> None:
        check_rules(self, _RULES)

    @property
    def tileable(self) -> bool:
        """No: second-order attention and the non-local modules see the whole picture."""
        return False

    @property
    def receptive_radius(self) -> int:
        """Of the convolutions; attention and the non-local modules are left out."""
        return residual_radius(2 + self.n_resgroups * (2 * self.n_resblocks + 1), self.scale)

    @property
    def values_per_pixel(self) -> int:
        """Values that an engine holds at once for one LR pixel, estimated."""
        return body_values(self.n_feats, self.scale, self.n_feats)

    def engine_values(self, pixels: int) -> int:
        """As for others, and the similarity of all pairs of pixels in a quarter of the picture.

        The matrix is held twice, before and after the softmax.
        """
        return super().engine_values(pixels) + 2 * ceil(pixels / 4) ** 2


_RULES: tuple[Rule, ...] = (
    SCALE_RULE,
    count("n_feats", 8),
    count("n_resgroups", 1),
    count("n_resblocks", 1),
    BLOCKS_RULE,
    *REDUCTION_RULES,
    count("iterations", 2),
    MEAN_RULE,
)

PRESETS = {"san": SANSpec()}
"""The published networks of the family, by name, at x4."""
