"""RCAN: Image Super-Resolution Using Very Deep Residual Channel Attention Networks.

Paper: Zhang et al., ECCV 2018, arXiv 1807.02758, sections 3.1 to 3.4: 10 residual groups of 20
residual channel attention blocks, 64 features, reduction 16.

Deviations: images are in [0, 1], not [0, 255]; PyTorch's default initialisation. The mean that is
subtracted is DIV2K's, as in EDSR, on whose code the authors built.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from splitsr.networks import RCANSpec
from splitsr.networks.blocks import RCAB, ResidualGroup, conv, two_step_upsampler
from splitsr.networks.network import Network


class RCAN(Network):
    """The network of an `RCANSpec`; see `Network` for input and output."""

    def __init__(self, spec: RCANSpec) -> None:
        super().__init__()
        self.spec = spec
        self.mean: Tensor
        mean = torch.tensor(spec.rgb_mean).view(1, 3, 1, 1)
        self.register_buffer("mean", mean, persistent=False)
        self.head = conv(3, spec.n_feats)
        self.groups = nn.Sequential(*(_group(spec) for _ in range(spec.n_resgroups)))
        self.trunk = conv(spec.n_feats, spec.n_feats)
        self.upsampler = two_step_upsampler(spec.n_feats, spec.scale)

    def forward(self, lr: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 1] -> (N, 3, scale * H, scale * W)."""
        features = self.head(lr - self.mean)
        features = features + self.trunk(self.groups(features))
        sr: Tensor = self.upsampler(features) + self.mean
        return sr


def _group(spec: RCANSpec) -> ResidualGroup:
    blocks: list[nn.Module] = [RCAB(spec.n_feats, spec.reduction) for _ in range(spec.n_resblocks)]
    return ResidualGroup(blocks, spec.n_feats)
