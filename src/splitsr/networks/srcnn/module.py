"""SRCNN: Image Super-Resolution Using Deep Convolutional Networks.

Paper: Dong et al., TPAMI 2015, arXiv 1501.00092, sections 3.1 (the three convolutions) and 4.3.2
(filter sizes 9-1-5, 9-3-5, 9-5-5). 9-5-5 with 64 and 32 features is the one whose figures are
quoted; 9-1-5 is the smallest.

Published: the image is enlarged by bicubic, the network runs on its luma, and colour stays
bicubic. Here luma is BT.601's studio-range Y as in the figures, taken from RGB; adding the change
of Y to R, G and B alike, at Y's gain, is the same as converting to YCbCr and back. `channels = 3`
runs on RGB instead (section 4.6).

Deviations: convolutions are padded by their border values, so that the output has full size (the
authors' test code does so, their training shrinks the image); all layers learn at one rate.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from splitsr.networks import SRCNNSpec
from splitsr.networks.interpolation.module import Enlarge
from splitsr.networks.network import Network

# Y of BT.601 in studio range: Y = 16 + weights . RGB, in units of 1/255; see imaging/color.py.
_Y_WEIGHTS = (65.481, 128.553, 24.966)
_Y_OFFSET = 16.0


class SRCNN(Network):
    """The network of an `SRCNNSpec`; see `Network` for input and output."""

    def __init__(self, spec: SRCNNSpec) -> None:
        super().__init__()
        self.spec = spec
        self.on_luma = spec.channels == 1
        self.enlarge = Enlarge(spec.scale, "bicubic")
        (first, second, third), (wide, narrow) = spec.kernels, spec.widths
        self.features = _conv(spec.channels, wide, first)
        self.mapping = _conv(wide, narrow, second)
        self.reconstruction = _conv(narrow, spec.channels, third)
        self.y_weights: Tensor
        weights = torch.tensor(_Y_WEIGHTS).view(1, 3, 1, 1) / 255
        self.register_buffer("y_weights", weights, persistent=False)

    def forward(self, lr: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 1] -> (N, 3, scale * H, scale * W)."""
        bicubic: Tensor = self.enlarge(lr)
        if not self.on_luma:
            return self._convolve(bicubic)
        luma = (bicubic * self.y_weights).sum(dim=1, keepdim=True) + _Y_OFFSET / 255
        gain = 255 / sum(_Y_WEIGHTS)  # of R, G and B to Y
        return bicubic + gain * (self._convolve(luma) - luma)

    def _convolve(self, x: Tensor) -> Tensor:
        features = torch.relu(self.features(x))
        out: Tensor = self.reconstruction(torch.relu(self.mapping(features)))
        return out


def _conv(in_channels: int, out_channels: int, kernel: int) -> nn.Conv2d:
    return nn.Conv2d(
        in_channels, out_channels, kernel, padding=kernel // 2, padding_mode="replicate"
    )
