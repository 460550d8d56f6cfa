"""Bilinear and bicubic interpolation as networks without weights.

Bicubic is Keys' cubic convolution (IEEE Trans. ASSP 29, 1981) with a = -0.5 on half-pixel centres,
as MATLAB's `imresize` enlarges; its weights are read off `imaging.resize`, the one definition of
it here. Bilinear is the triangle kernel on the same centres.

Deviations: beyond the border the border pixel is repeated (`edge="clamp"`), where today's MATLAB
mirrors; and all is done in one float pass, where MATLAB rounds integer pictures between two.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from splitsr.imaging.resize import resize_bicubic
from splitsr.networks import InterpolationSpec
from splitsr.networks.network import Network

_RADIUS = 2  # of the taps, LR pixels; bilinear uses 1 of them


class Enlarge(nn.Module):
    """Enlarges by a whole factor: (N, 3, H, W) -> (N, 3, scale * H, scale * W).

    Each of the `scale**2` places between LR pixels has fixed weights: one convolution of the
    padded picture makes them all, and a sub-pixel shuffle puts them in their places.
    """

    def __init__(self, scale: int, kernel: str) -> None:
        super().__init__()
        self.shuffle = nn.PixelShuffle(scale)
        axis = torch.from_numpy(phase_weights(scale, kernel))
        places = torch.einsum("ai,bj->abij", axis, axis).flatten(0, 1)
        self.weight: Tensor
        self.register_buffer("weight", places[:, None].repeat(3, 1, 1, 1).float(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, 3, scale * H, scale * W)."""
        padded = functional.pad(x, (_RADIUS,) * 4, mode="replicate")
        sr: Tensor = self.shuffle(functional.conv2d(padded, self.weight, groups=3))
        return sr


def phase_weights(scale: int, kernel: str) -> npt.NDArray[np.float64]:
    """Weights of the LR pixels from -2 to 2 around the one that an output pixel lies in.

    Args:
        scale: the enlargement.
        kernel: `bilinear` or `bicubic`.

    Returns:
        (scale, 5) float64, a row for each place in a LR pixel, each summing to 1.
    """
    taps = np.arange(-_RADIUS, _RADIUS + 1)
    if kernel == "bilinear":
        centres = (np.arange(scale) + 0.5) / scale - 0.5
        weights: npt.NDArray[np.float64] = np.maximum(0, 1 - np.abs(centres[:, None] - taps))
        return weights
    middle = 2 * _RADIUS
    impulse = np.eye(2 * middle + 1)[:, [middle]]
    response = resize_bicubic(impulse, len(impulse) * scale, 1)[:, 0]
    return np.stack([response[(middle - tap) * scale :][:scale] for tap in taps], axis=1)


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
