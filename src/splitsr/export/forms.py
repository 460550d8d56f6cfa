"""Forms of a network that a runtime takes better: equal functions, other operators.

Each function copies the network and leaves its argument alone. All forms map float (N, 3, H, W)
in [0, 1] to (N, 3, scale * H, scale * W) unless they say otherwise.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

_DENSE_GROUPS = 4
"""Grouped convolutions with more groups than this stay grouped."""


class ShuffleByConvolution(nn.Module):
    """`nn.PixelShuffle` as a transposed convolution with weights of 0 and 1.

    (N, r^2 C, H, W) -> (N, C, rH, rW). Channel c r^2 + r i + j becomes row i, column j of the
    r x r block of channel c. Each output is one input times 1, so the two are equal to the bit. For
    runtimes that compute convolutions but no sub-pixel shuffle.
    """

    def __init__(self, channels: int, factor: int) -> None:
        """Takes C and r."""
        super().__init__()
        self.factor = factor
        self.channels = channels
        ones = torch.eye(factor**2).view(factor**2, 1, factor, factor)
        self.kernel = nn.Parameter(ones.repeat(channels, 1, 1, 1), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, r^2 C, H, W) -> (N, C, rH, rW)."""
        return functional.conv_transpose2d(x, self.kernel, stride=self.factor, groups=self.channels)


class ChannelsLast(nn.Module):
    """A network that takes (N, H, W, 3) and gives (N, scale * H, scale * W, 3)."""

    def __init__(self, network: nn.Module) -> None:
        """Takes a network of (N, 3, H, W)."""
        super().__init__()
        self.network = network

    def forward(self, lr: Tensor) -> Tensor:
        """(N, H, W, 3) -> (N, scale * H, scale * W, 3)."""
        sr: Tensor = self.network(lr.permute(0, 3, 1, 2))
        return sr.permute(0, 2, 3, 1)


class Clamped(nn.Module):
    """A network whose output is clamped to [0, 1], by operators that every runtime has."""

    def __init__(self, network: nn.Module) -> None:
        """Takes a network of any layout."""
        super().__init__()
        self.network = network

    def forward(self, lr: Tensor) -> Tensor:
        """What the network gives, clamped; exact for values below 2."""
        sr = functional.relu(self.network(lr))
        return sr - functional.relu(sr - 1)


class HalfInside(nn.Module):
    """A network that computes in float16 between float32 images."""

    def __init__(self, network: nn.Module) -> None:
        """Takes a network in float32, of which it keeps a copy."""
        super().__init__()
        self.network = copy.deepcopy(network).half().eval()

    def forward(self, lr: Tensor) -> Tensor:
        """Float32 (N, 3, H, W) -> float32 (N, 3, scale * H, scale * W)."""
        sr: Tensor = self.network(lr.half())
        return sr.float()


def with_dense_convolutions(network: nn.Module) -> nn.Module:
    """Grouped convolutions of a few groups as full ones with zeros between the groups.

    More multiply-adds, but one matrix product in place of several small ones: integer kernels are
    faster so (ONNX Runtime, 32 channels in 2 groups: 0.5 ms for 0.9).
    """

    def densify(module: nn.Module) -> nn.Module | None:
        if isinstance(module, nn.Conv2d) and 1 < module.groups <= _DENSE_GROUPS:
            return _dense(module)
        return None

    return _replaced(network, densify)


def without_shuffle(network: nn.Module, channels: int = 3) -> nn.Module:
    """Every `nn.PixelShuffle` as a `ShuffleByConvolution`.

    Args:
        network: any whose shuffles stand behind a convolution, which tells their channels.
        channels: of a shuffle that stands behind none.
    """
    channels_of = _shuffled_channels(network, channels)

    def convolve(module: nn.Module) -> nn.Module | None:
        if isinstance(module, nn.PixelShuffle):
            return ShuffleByConvolution(channels_of.pop(0), module.upscale_factor)
        return None

    return _replaced(network, convolve)


def _shuffled_channels(network: nn.Module, default: int) -> list[int]:
    """Output channels of each shuffle, in the order of the modules."""
    found, before = [], None
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            before = module.out_channels
        if isinstance(module, nn.PixelShuffle):
            found.append(before // module.upscale_factor**2 if before else default)
    return found


def _replaced(
    network: nn.Module, replacement: Callable[[nn.Module], nn.Module | None]
) -> nn.Module:
    network = copy.deepcopy(network)
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            new = replacement(child)
            if new is not None:
                setattr(parent, name, new)
    return network.eval()


@torch.no_grad()
def _dense(conv: nn.Conv2d) -> nn.Conv2d:
    full = nn.Conv2d(
        conv.in_channels,
        conv.out_channels,
        conv.kernel_size,  # type: ignore[arg-type]  # two numbers, as it asks for
        padding=conv.padding,  # type: ignore[arg-type]
        bias=conv.bias is not None,
    ).requires_grad_(False)
    outputs, inputs = conv.out_channels // conv.groups, conv.in_channels // conv.groups
    full.weight.zero_()
    for group in range(conv.groups):
        rows = slice(group * outputs, (group + 1) * outputs)
        full.weight[rows, group * inputs : (group + 1) * inputs] = conv.weight[rows]
    if conv.bias is not None and full.bias is not None:
        full.bias.copy_(conv.bias)
    return full
