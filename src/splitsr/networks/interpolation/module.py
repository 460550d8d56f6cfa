"""Bilinear and bicubic interpolation as networks without weights.

The weights are those of the runtime's `InterpolationEngine`, which computes the same.

Bicubic is Keys' cubic convolution (IEEE Trans. ASSP 29, 1981) with a = -0.5 on half-pixel centres,
as MATLAB's `imresize` enlarges. Bilinear is the triangle kernel on the same centres.

Deviation: all is done in one float pass, where MATLAB rounds integer images between two.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from splitsr.networks import InterpolationSpec
from splitsr.networks.interpolation.description import Kernel
from splitsr.networks.network import Network
from splitsr.runtime.interpolation import phase_weights


class Enlarge(nn.Module):
    """Enlarges by a whole factor: (N, 3, H, W) -> (N, 3, scale * H, scale * W).

    Each of the `scale**2` places between LR pixels has fixed weights: one convolution of the
    padded image makes them all, and a sub-pixel shuffle puts them in their places.
    """

    def __init__(self, scale: int, kernel: Kernel) -> None:
        super().__init__()
        self.shuffle = nn.PixelShuffle(scale)
        axis = torch.from_numpy(phase_weights(kernel, scale))
        places = torch.einsum("ai,bj->abij", axis, axis).flatten(0, 1)
        self.weight: Tensor
        self.register_buffer("weight", places[:, None].repeat(3, 1, 1, 1).float(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, 3, scale * H, scale * W)."""
        for axis in (2, 3):
            x = _mirror(x, self.weight.shape[axis] // 2, axis)
        sr: Tensor = self.shuffle(functional.conv2d(x, self.weight, groups=3))
        return sr


def _mirror(x: Tensor, reach: int, axis: int) -> Tensor:
    """Continues an axis by 1 or 2 values at both ends: 1 0 | 0 1 2 | 2 1."""
    margins = (0, 0, 1, 1) if axis == 2 else (1, 1, 0, 0)
    x = functional.pad(x, margins, mode="replicate")
    if reach == 1:
        return x
    # Now the second value of the image has index 2, also where there is only one.
    first, last = x.narrow(axis, 2, 1), x.narrow(axis, x.shape[axis] - 3, 1)
    return torch.cat([first, x, last], dim=axis)


class Interpolation(Network):
    """The network of an `InterpolationSpec`; see `Network` for input and output."""

    def __init__(self, spec: InterpolationSpec) -> None:
        super().__init__()
        self.spec = spec
        self.enlarge = Enlarge(spec.scale, spec.kernel)

    def forward(self, lr: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 1] -> (N, 3, scale * H, scale * W)."""
        sr: Tensor = self.enlarge(lr)
        return sr
