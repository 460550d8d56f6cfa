"""The lightweight blocks that SplitSR's is measured against, in its slots.

All map (N, C, H, W) to (N, C, H, W) and follow the papers but for batch normalisation, which
super-resolution networks leave out (EDSR, arXiv 1707.02921, section 3.1), and ReLU6, which is ReLU.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from splitsr.networks import SplitSRSpec
from splitsr.networks.blocks import SplitSRBlock, conv

_GROUPS = 2  # of ShuffleNetV2's channel shuffle


def depthwise(channels: int) -> nn.Conv2d:
    """A 3x3 convolution of every channel by itself."""
    return nn.Conv2d(channels, channels, 3, padding=1, groups=channels)


def expanded(channels: int, hidden: int) -> nn.Sequential:
    """MobileNetV2's inner path: 1x1 expansion, ReLU, 3x3 depthwise, ReLU, 1x1 projection."""
    return nn.Sequential(
        conv(channels, hidden, 1),
        nn.ReLU(),
        depthwise(hidden),
        nn.ReLU(),
        conv(hidden, channels, 1),
    )


class ShuffleBlock(nn.Module):
    """ShuffleNetV2's unit (Ma et al. 2018, arXiv 1807.11164, figure 3c).

    1x1, ReLU, 3x3 depthwise, 1x1, ReLU on the second half of the channels; the first half passes.
    Then the halves are interleaved.
    """

    def __init__(self, n_feats: int) -> None:
        super().__init__()
        half = n_feats // _GROUPS
        self.passed = half
        self.branch = nn.Sequential(
            conv(half, half, 1), nn.ReLU(), depthwise(half), conv(half, half, 1), nn.ReLU()
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        passed, active = x[:, : self.passed], x[:, self.passed :]
        joined = torch.stack([passed, self.branch(active)], dim=2)
        return joined.flatten(1, 2)


class InvertedResidual(nn.Module):
    """MobileNetV2's block (Sandler et al. 2018, arXiv 1801.04381, section 3.3), stride 1."""

    def __init__(self, n_feats: int, expansion: int) -> None:
        super().__init__()
        self.body = expanded(n_feats, n_feats * expansion)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        change: Tensor = self.body(x)
        return x + change


class IdleBlock(nn.Module):
    """IdleBlock (Xu et al. 2019, arXiv 1911.08609): an inverted residual on a slice.

    The first `active` channels go through it, without a skip unless `residual`; the others stay
    idle. The paper has blocks with the idle channels on the left and on the right, to be combined
    so that all are computed; here, as in a SplitSRBlock, idle ones come first in the output, and
    so each is active in its turn. A guess: the paper's share is an option (`split_ratio`).
    """

    def __init__(self, active: int, expansion: int, residual: bool = False) -> None:
        super().__init__()
        self.active = active
        self.residual = residual
        self.body = expanded(active, active * expansion)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        active, idle = x[:, : self.active], x[:, self.active :]
        out = self.body(active)
        return torch.cat([idle, out + active if self.residual else out], dim=1)


class GhostModule(nn.Module):
    """GhostNet's module (Han et al. 2020, arXiv 1911.11907, section 3.1), ratio 2.

    A 1x1 convolution makes half of the channels (intrinsic maps); a 3x3 depthwise convolution of
    those makes the others (ghosts).
    """

    def __init__(self, in_channels: int, out_channels: int, *, relu: bool) -> None:
        super().__init__()
        intrinsic = (out_channels + 1) // 2
        self.ghosts = out_channels - intrinsic
        self.primary = conv(in_channels, intrinsic, 1)
        self.cheap = depthwise(intrinsic)
        self.activation = nn.ReLU() if relu else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C', H, W)."""
        intrinsic = self.activation(self.primary(x))
        ghosts = self.activation(self.cheap(intrinsic))[:, : self.ghosts]
        return torch.cat([intrinsic, ghosts], dim=1)


class GhostBlock(nn.Module):
    """GhostNet's bottleneck (section 3.2), stride 1: two modules, the second without ReLU."""

    def __init__(self, n_feats: int, expansion: int) -> None:
        super().__init__()
        hidden = n_feats * expansion
        self.body = nn.Sequential(
            GhostModule(n_feats, hidden, relu=True), GhostModule(hidden, n_feats, relu=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        change: Tensor = self.body(x)
        return x + change


class DepthwiseSeparable(nn.Module):
    """MobileNet's block (Howard et al. 2017, arXiv 1704.04861, figure 3).

    3x3 depthwise, ReLU, 1x1, ReLU, and, with `residual`, the sum with the input.
    """

    def __init__(self, n_feats: int, residual: bool = False) -> None:
        super().__init__()
        self.residual = residual
        self.body = nn.Sequential(
            depthwise(n_feats), nn.ReLU(), conv(n_feats, n_feats, 1), nn.ReLU()
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        out: Tensor = self.body(x)
        return x + out if self.residual else out


def light_block(spec: SplitSRSpec) -> nn.Module:
    """The lightweight block that a spec asks for."""
    n_feats, active, residual = spec.n_feats, spec.active_channels, spec.block_residual
    match spec.light_block:
        case "split":
            return SplitSRBlock(n_feats, active, "standard", residual)
        case "split_depthwise":
            return SplitSRBlock(n_feats, active, "depthwise", residual)
        case "split_pointwise":
            return SplitSRBlock(n_feats, active, "pointwise", residual)
        case "shuffle":
            return ShuffleBlock(n_feats)
        case "inverted_residual":
            return InvertedResidual(n_feats, spec.expansion)
        case "idle":
            return IdleBlock(active, spec.expansion, residual)
        case "ghost":
            return GhostBlock(n_feats, spec.expansion)
        case "depthwise_separable":
            return DepthwiseSeparable(n_feats, residual)
