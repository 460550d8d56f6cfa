"""The networks that SplitSR is measured against: EDSR, RCAN, SAN, SRCNN, SMFANet, interpolation.

The defaults are the published configurations; `models/<name>.py` has the papers and what was
decided where they are silent.
"""

from __future__ import annotations

from math import ceil
from typing import Literal

from splitsr.spec.base import (
    BLOCKS_RULE,
    DIV2K_MEAN,
    MAX_COUNT,
    MEAN_RULE,
    REDUCTION_RULES,
    SCALE_RULE,
    ModelSpec,
    Rule,
    body_values,
    check_rules,
    count,
    one_of,
    residual_radius,
)

Kernel = Literal["bilinear", "bicubic"]


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
        check_rules(self, _EDSR_RULES)

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
        check_rules(self, _RCAN_RULES)

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
        check_rules(self, _SAN_RULES)

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


class SRCNNSpec(ModelSpec, frozen=True, kw_only=True, tag="srcnn"):
    """SRCNN (Dong et al. 2015, arXiv 1501.00092). The defaults are 9-5-5.

    Attributes:
        kernels: sides of the three convolutions, odd.
        widths: channels after the first and after the second.
        channels: 1 runs on luma, as published; 3 on RGB.
    """

    kernels: tuple[int, int, int] = (9, 5, 5)
    widths: tuple[int, int] = (64, 32)
    channels: int = 1

    def __post_init__(self) -> None:
        check_rules(self, _SRCNN_RULES)

    @property
    def tileable(self) -> bool:
        """Yes."""
        return True

    @property
    def receptive_radius(self) -> int:
        """Of the convolutions at full size and then of bicubic, which is zero from 2 pixels on."""
        full_size = sum(kernel // 2 for kernel in self.kernels)
        return ceil(2.5 + (full_size - 0.5) / self.scale) - 1

    @property
    def values_per_pixel(self) -> int:
        """Values for one LR pixel: everything runs at full size."""
        return (6 + sum(self.widths) + max(self.widths)) * self.scale**2


class SMFANetSpec(ModelSpec, frozen=True, kw_only=True, tag="smfanet"):
    """SMFANet (Zheng et al., ECCV 2024). The defaults are SMFANet+.

    Attributes:
        n_feats: feature channels of the body, even.
        n_blocks: feature mixing blocks.
    """

    n_feats: int = 48
    n_blocks: int = 12

    def __post_init__(self) -> None:
        check_rules(self, _SMFANET_RULES)

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


class InterpolationSpec(ModelSpec, frozen=True, kw_only=True, tag="interpolation"):
    """Bilinear or bicubic interpolation, as a network without weights.

    Attributes:
        kernel: `bilinear`, today's digital zoom, or `bicubic`, MATLAB's.
    """

    kernel: Kernel = "bicubic"

    def __post_init__(self) -> None:
        check_rules(self, _INTERPOLATION_RULES)

    @property
    def trainable(self) -> bool:
        """No."""
        return False

    @property
    def tileable(self) -> bool:
        """Yes."""
        return True

    @property
    def receptive_radius(self) -> int:
        """Half the support of the kernel."""
        return 2 if self.kernel == "bicubic" else 1

    @property
    def values_per_pixel(self) -> int:
        """Values that an engine holds at once for one LR pixel, estimated."""
        return 3 + 2 * 3 * self.scale**2


_EDSR_RULES: tuple[Rule, ...] = (
    SCALE_RULE,
    count("n_feats", 1),
    count("n_resblocks", 1),
    ("res_scale", lambda s: 0 < s.res_scale <= 1, lambda _: "above 0, at most 1"),
    MEAN_RULE,
)

_RCAN_RULES: tuple[Rule, ...] = (
    SCALE_RULE,
    count("n_feats", 1),
    count("n_resgroups", 1),
    count("n_resblocks", 1),
    BLOCKS_RULE,
    *REDUCTION_RULES,
    MEAN_RULE,
)

_SAN_RULES: tuple[Rule, ...] = (
    SCALE_RULE,
    count("n_feats", 8),
    count("n_resgroups", 1),
    count("n_resblocks", 1),
    BLOCKS_RULE,
    *REDUCTION_RULES,
    count("iterations", 2),
    MEAN_RULE,
)

_SRCNN_RULES: tuple[Rule, ...] = (
    SCALE_RULE,
    (
        "kernels",
        lambda s: all(0 < kernel < 100 and kernel % 2 for kernel in s.kernels),
        lambda _: "three odd numbers below 100",
    ),
    (
        "widths",
        lambda s: all(0 < width <= MAX_COUNT for width in s.widths),
        lambda _: f"1 to {MAX_COUNT}, twice",
    ),
    one_of("channels", 1, 3),
)

_SMFANET_RULES: tuple[Rule, ...] = (
    SCALE_RULE,
    ("n_feats", lambda s: s.n_feats > 0 and s.n_feats % 2 == 0, lambda _: "2 or more, even"),
    count("n_blocks", 1),
)

_INTERPOLATION_RULES: tuple[Rule, ...] = (SCALE_RULE, one_of("kernel", "bilinear", "bicubic"))
