"""SplitSR: An End-to-End Approach to Super-Resolution on Mobile Devices.

Paper: Liu et al., IMWUT 2021, arXiv 2101.07996, section on the network. No official code exists;
groups, blocks and features of `paper` are those of published reimplementations.

The plan is RCAN's (arXiv 1807.02758): input convolution, residual groups with a long skip, an
upsampler, an output convolution. Deviations and guesses, each an option of `SplitSRSpec`:
- the unit that the hybrid index counts is the residual group (the paper does not say);
- the long skip's convolution, the groups' closing convolution and the upsampler can be cheaper;
- an interpolation of the input image can be added to the output (`image_skip`).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from splitsr.networks import SplitSRSpec
from splitsr.networks.blocks import (
    RCAB,
    ResidualGroup,
    SplitSubPixelStage,
    SubPixelStage,
    conv,
)
from splitsr.networks.network import Network
from splitsr.networks.splitsr.lightweight_blocks import light_block


class SplitSR(Network):
    """The network of a `SplitSRSpec`; see `Network` for input and output."""

    spec: SplitSRSpec

    def __init__(self, spec: SplitSRSpec) -> None:
        super().__init__()
        self.spec = spec
        self.mean: Tensor
        self.register_buffer("mean", torch.tensor(spec.rgb_mean), persistent=False)
        self.head = conv(3, spec.n_feats)
        self.groups = nn.Sequential(*(_group(spec, plan) for plan in spec.group_plan))
        self.trunk = (
            conv(spec.n_feats, spec.n_feats, spec.trunk_kernel)
            if spec.trunk_kernel
            else nn.Identity()
        )
        self.upsampler = _upsampler(spec)

    def forward(self, lr: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 1] -> (N, 3, scale * H, scale * W)."""
        mean = self.mean.view(1, 3, 1, 1)
        x = lr - mean
        features = self.head(x)
        features = features + self.trunk(self.groups(features))
        sr: Tensor = self.upsampler(features) + mean
        if self.spec.image_skip != "none":
            sr = sr + enlarge(x, self.spec)
        return sr


def enlarge(x: Tensor, spec: SplitSRSpec) -> Tensor:
    """The image-space skip: (N, 3, H, W) -> (N, 3, scale * H, scale * W), interpolated."""
    if spec.image_skip == "nearest":
        return functional.interpolate(x, scale_factor=spec.scale, mode="nearest")
    return functional.interpolate(x, scale_factor=spec.scale, mode="bilinear", align_corners=False)


def _group(spec: SplitSRSpec, plan: tuple[bool, ...]) -> ResidualGroup:
    """One residual group: a lightweight block where its plan says so, else an RCAB."""
    blocks = [
        light_block(spec) if light else RCAB(spec.n_feats, spec.reduction, spec.channel_attention)
        for light in plan
    ]
    return ResidualGroup(blocks, spec.n_feats, spec.group_kernel)


def _upsampler(spec: SplitSRSpec) -> nn.Sequential:
    """Sub-pixel stages, and the output convolution where the last stage does not make RGB."""
    if not spec.has_output_conv:
        return nn.Sequential(SubPixelStage(spec.n_feats, 3, spec.scale))
    stages: list[nn.Module] = [
        SplitSubPixelStage(spec.active_channels, factor)
        if spec.light_upsampler and spec.active_channels < spec.n_feats
        else SubPixelStage(spec.n_feats, spec.n_feats, factor)
        for factor in spec.upsampler_stages
    ]
    return nn.Sequential(*stages, conv(spec.n_feats, 3))
