"""Building blocks of SplitSR: the SplitSRBlock and the parts that RCAN gives.

Sources: SplitSR, Liu et al. 2021, arXiv 2101.07996; RCAN, Zhang et al. 2018, arXiv 1807.02758.
All tensors are float (N, C, H, W); every block keeps H and W unless it says otherwise.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from splitsr.networks.base import two_step_stages

SplitConv = Literal["standard", "depthwise", "pointwise"]


def conv(in_channels: int, out_channels: int, kernel: int = 3) -> nn.Conv2d:
    """A convolution with bias that keeps height and width; `kernel` is odd."""
    return nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2)


def split_conv(channels: int, kind: SplitConv) -> nn.Conv2d:
    """The convolution that a SplitSRBlock applies to its active channels.

    The paper's figure shows a standard 3x3; `depthwise` (3x3 a channel) and `pointwise` (1x1) are
    there for the ablation.
    """
    if kind == "pointwise":
        return conv(channels, channels, 1)
    groups = channels if kind == "depthwise" else 1
    return nn.Conv2d(channels, channels, 3, padding=1, groups=groups)


class SplitSRBlock(nn.Module):
    """Convolves the first `active` channels and rotates all channels by that many.

    Input and output (N, C, H, W). The first k channels are active: convolution k -> k, ReLU, and,
    with `residual`, the sum with their input. The other C - k are passive. Passive first, active
    last, they are concatenated, so that after C / k blocks every channel was active once. The cost
    is (k / C)^2 of a full convolution.

    Source: SplitSR, section on the SplitSRBlock. `residual` is not in the paper.
    """

    def __init__(
        self, n_feats: int, active: int, kind: SplitConv = "standard", residual: bool = False
    ) -> None:
        super().__init__()
        self.n_feats = n_feats
        self.active = active
        self.residual = residual
        self.conv = split_conv(active, kind)

    @property
    def round_length(self) -> int | None:
        """Blocks after which every channel was active once; None when k does not divide C."""
        whole, rest = divmod(self.n_feats, self.active)
        return None if rest else whole

    def transform(self, active: Tensor) -> Tensor:
        """What happens to the active channels, (N, k, H, W) -> (N, k, H, W)."""
        out = torch.relu(self.conv(active))
        return out + active if self.residual else out

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        active, passive = x[:, : self.active], x[:, self.active :]
        return torch.cat([passive, self.transform(active)], dim=1)


class ChannelAttention(nn.Module):
    """Scales every channel by a weight from its global average (RCAN, section 3.3)."""

    def __init__(self, n_feats: int, reduction: int = 16) -> None:
        super().__init__()
        self.squeeze = conv(n_feats, n_feats // reduction, 1)
        self.excite = conv(n_feats // reduction, n_feats, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        mean = x.mean(dim=(2, 3), keepdim=True)
        weight: Tensor = self.excite(torch.relu(self.squeeze(mean)))
        return x * torch.sigmoid(weight)


class RCAB(nn.Module):
    """RCAN's residual channel attention block, the standard block of SplitSR.

    convolution - ReLU - convolution - channel attention, and the sum with the input; without
    `attention` it is EDSR's residual block.
    """

    def __init__(self, n_feats: int, reduction: int = 16, attention: bool = True) -> None:
        super().__init__()
        self.conv1 = conv(n_feats, n_feats)
        self.conv2 = conv(n_feats, n_feats)
        self.attention = ChannelAttention(n_feats, reduction) if attention else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        change: Tensor = self.attention(self.conv2(torch.relu(self.conv1(x))))
        return x + change


class ResidualGroup(nn.Module):
    """Blocks, a closing convolution and a short skip around them (RCAN, section 3.2)."""

    def __init__(self, blocks: list[nn.Module], n_feats: int, kernel: int = 3) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*blocks)
        self.tail = conv(n_feats, n_feats, kernel)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        change: Tensor = self.tail(self.blocks(x))
        return x + change


class SubPixelStage(nn.Module):
    """Enlarges by a sub-pixel convolution (ESPCN, arXiv 1609.05158): C -> r^2 C', then shuffle.

    (N, C, H, W) -> (N, C', rH, rW).
    """

    def __init__(self, in_channels: int, out_channels: int, factor: int) -> None:
        super().__init__()
        self.conv = conv(in_channels, out_channels * factor**2)
        self.shuffle = nn.PixelShuffle(factor)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C', rH, rW)."""
        out: Tensor = self.shuffle(self.conv(x))
        return out


def two_step_upsampler(n_feats: int, scale: int) -> nn.Sequential:
    """EDSR's and RCAN's: sub-pixel stages by 2 (or one by 3) and an output convolution.

    (N, C, H, W) -> (N, 3, scale * H, scale * W).
    """
    stages = [SubPixelStage(n_feats, n_feats, factor) for factor in two_step_stages(scale)]
    return nn.Sequential(*stages, conv(n_feats, 3))


class SplitSubPixelStage(nn.Module):
    """The lightweight upsampler stage: (N, C, H, W) -> (N, C, rH, rW).

    The active channels are enlarged by a sub-pixel convolution k -> r^2 k, the passive ones by
    nearest neighbour; passive first, active last. The paper leaves this stage open; decided here.
    """

    def __init__(self, active: int, factor: int) -> None:
        super().__init__()
        self.active = active
        self.enlarge = nn.Upsample(scale_factor=factor, mode="nearest")
        self.stage = SubPixelStage(active, active, factor)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, rH, rW)."""
        active, passive = x[:, : self.active], x[:, self.active :]
        return torch.cat([self.enlarge(passive), self.stage(active)], dim=1)
