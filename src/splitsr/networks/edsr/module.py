"""EDSR: Enhanced Deep Residual Networks for Single Image Super-Resolution.

Paper: Lim et al., CVPR workshops 2017, arXiv 1707.02921, section 3. Baseline: 16 blocks of 64
features; full: 32 blocks of 256 features with residual scaling 0.1 (section 3.2, table 1).

Deviations: images are in [0, 1], not [0, 255], so that weights of other implementations need
their mean shift rescaled; PyTorch's default initialisation. The mean that is subtracted is DIV2K's.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from splitsr.networks import EDSRSpec
from splitsr.networks.blocks import conv, two_step_upsampler
from splitsr.networks.network import Network


class ResidualBlock(nn.Module):
    """Convolution, ReLU, convolution, times `scale`, and the sum with the input (figure 2c)."""

    def __init__(self, n_feats: int, scale: float) -> None:
        super().__init__()
        self.conv1 = conv(n_feats, n_feats)
        self.conv2 = conv(n_feats, n_feats)
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        change: Tensor = self.conv2(torch.relu(self.conv1(x)))
        return x + self.scale * change


class EDSR(Network):
    """The network of an `EDSRSpec`; see `Network` for input and output."""

    def __init__(self, spec: EDSRSpec) -> None:
        super().__init__()
        self.spec = spec
        self.mean: Tensor
        mean = torch.tensor(spec.rgb_mean).view(1, 3, 1, 1)
        self.register_buffer("mean", mean, persistent=False)
        self.head = conv(3, spec.n_feats)
        self.body = nn.Sequential(
            *(ResidualBlock(spec.n_feats, spec.res_scale) for _ in range(spec.n_resblocks))
        )
        self.trunk = conv(spec.n_feats, spec.n_feats)
        self.upsampler = two_step_upsampler(spec.n_feats, spec.scale)

    def forward(self, lr: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 1] -> (N, 3, scale * H, scale * W)."""
        features = self.head(lr - self.mean)
        features = features + self.trunk(self.body(features))
        sr: Tensor = self.upsampler(features) + self.mean
        return sr
