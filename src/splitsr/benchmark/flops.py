"""What a network costs: parameters, multiply-adds, and its layers.

Counted on the network itself, built on PyTorch's `meta` device: no memory, no arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from splitsr.networks import ModelSpec
from splitsr.networks.base import OUTPUT_PIXELS_720P
from splitsr.networks.build import build_model

# LR side of the probe. Any size above 1 gives the same answer, but for what SMFANet pools.
_PROBE = 48


@dataclass(frozen=True)
class Layer:
    """A convolution of a network.

    Attributes:
        name: its path in the module tree.
        in_channels: channels in.
        out_channels: channels out.
        kernel: side of the square kernel.
        groups: groups of the convolution.
        parameters: weights and biases.
        multi_adds_720p: multiply-adds for a 1280x720 output.
    """

    name: str
    in_channels: int
    out_channels: int
    kernel: int
    groups: int
    parameters: int
    multi_adds_720p: int


@dataclass(frozen=True)
class Cost:
    """What a network costs.

    Attributes:
        parameters: trained values, biases included.
        multi_adds_720p: multiply-adds of the convolutions for a 1280x720 output, biases and
            element-wise operations not counted, as published figures do.
        layers: in the order in which they run.
    """

    parameters: int
    multi_adds_720p: int
    layers: tuple[Layer, ...]


def measure_cost(spec: ModelSpec) -> Cost:
    """Counts the parameters and multiply-adds of the network of `spec`."""
    with torch.device("meta"):
        model = build_model(spec)
        probe = torch.empty(1, 3, _PROBE, _PROBE)
    layers: list[Layer] = []
    names = {module: name for name, module in model.named_modules()}
    enlargement = OUTPUT_PIXELS_720P / (_PROBE * spec.scale) ** 2

    def count(module: nn.Module, _: Any, out: Tensor) -> None:  # noqa: ANN401
        if isinstance(module, nn.Conv2d):
            layers.append(_layer(names[module], module, out, enlargement))

    for module in model.modules():
        module.register_forward_hook(count)
    model(probe)
    return Cost(
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        multi_adds_720p=sum(layer.multi_adds_720p for layer in layers),
        layers=tuple(layers),
    )


def _layer(name: str, conv: nn.Conv2d, out: Tensor, enlargement: float) -> Layer:
    places = out.shape[2] * out.shape[3]
    # A channel attention's convolutions see one place, whatever the size of the image.
    factor = enlargement if places > 1 else 1
    return Layer(
        name=name,
        in_channels=conv.in_channels,
        out_channels=conv.out_channels,
        kernel=conv.kernel_size[0],
        groups=conv.groups,
        parameters=sum(parameter.numel() for parameter in conv.parameters()),
        multi_adds_720p=round(conv.weight.numel() * places * factor),
    )
