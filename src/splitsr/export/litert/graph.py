"""A network's operators as LiteRT's: images as (N, H, W, C), weights as (out, kh, kw, in).

Why a converter of our own: litert-torch 0.10 needs typing_extensions below 4.13 (through xdsl),
where other tools of this project need newer ones, and brings JAX and transformers. The networks
here have some fifteen kinds of operators; every export is run and compared before it is written.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from ai_edge_litert import schema_py_generated as schema
from torch import fx

from splitsr.errors import ModelError
from splitsr.export.litert.flatbuffer import GraphFile, Quantised
from splitsr.export.litert.shuffle_order import plan_orders
from splitsr.export.litert.traced import Range, Traced, shape_of

aten = torch.ops.aten
_PICTURE: Range = (0.0, 1.0)
_LEVELS = 255
_SAME_SCALE = {
    aten.pixel_shuffle.default,
    aten.slice.Tensor,
    operator.getitem,
    aten.upsample_nearest2d.vec,
    aten.constant_pad_nd.default,
    aten.pad.default,
}


Handler = Callable[["Lowering", fx.Node], int]
"""Adds what a node computes, and returns its tensor."""


class Lowering:
    """Writes one network into a `GraphFile`."""

    def __init__(
        self, traced: Traced, *, half: bool = False, ranges: dict[fx.Node, Range] | None = None
    ) -> None:
        """Chooses the precision.

        Args:
            traced: the network.
            half: keep weights in float16.
            ranges: of every node, for int8; None for floating point.
        """
        self.traced = traced
        self.file = GraphFile()
        self.half = half
        self.ranges = None if ranges is None else _fitted(traced, ranges)
        self.orders = plan_orders(traced)
        self.of: dict[fx.Node, int] = {}
        self._fused: set[fx.Node] = set()

    def write(self, lr: int, handlers: Mapping[Any, Handler]) -> int:
        """Adds all operators.

        Args:
            lr: float32 tensor (N, H, W, 3).
            handlers: by the operator of PyTorch.

        Returns:
            The output, float32 (N, scale * H, scale * W, 3).

        Raises:
            ModelError: there is no handler for an operator.
        """
        self.of[self.traced.lr] = self._quantise(lr, self.traced.lr)
        for node in self.traced.nodes:
            if node in self._fused or isinstance(node.meta["val"], list | tuple):
                continue
            handler = handlers.get(node.target)
            if handler is None:
                raise ModelError(
                    f"the LiteRT export does not know the operator {node.target}; "
                    "export to onnx, ncnn or executorch"
                )
            self.of[node] = handler(self, node)
        return self._dequantise(self.of[self.traced.sr])

    def quantised(self, node: fx.Node) -> Quantised | None:
        """How int8 stands for a node's values; None in floating point."""
        return None if self.ranges is None else _affine(self.ranges[node])

    def tensor(self, node: fx.Node, shape: tuple[int, ...] | None = None) -> int:
        """The tensor of a node's value, or of a step to it with another shape (N, H, W, C)."""
        quantised = self.quantised(node)
        dtype = np.float32 if quantised is None else np.int8
        shape = last(shape_of(node)) if shape is None else shape
        return self.file.tensor(node.name, shape, dtype, quantised, dynamic=True)

    def weight(self, name: str, values: npt.NDArray[np.float32], axis: int) -> int:
        """A kernel: float32, float16 behind a conversion, or int8 with a scale a channel."""
        if self.ranges is not None:
            others = tuple(a for a in range(values.ndim) if a != axis)
            scale = np.maximum(np.abs(values).max(axis=others), 1e-8).astype(np.float32) / 127
            quantised = Quantised(scale, 0, axis)
            return self.file.constant(name, quantised.of(values), quantised)
        if not self.half:
            return self.file.constant(name, values)
        small = self.file.constant(f"{name}_half", values.astype(np.float16))
        full = self.file.tensor(name, values.shape)
        return self.file.operator("DEQUANTIZE", [small], full, schema.DequantizeOptionsT())

    def convolve(
        self,
        node: fx.Node,
        x: int,
        kernel: npt.NDArray[np.float32],
        bias: npt.NDArray[np.float32] | None = None,
        *,
        source: fx.Node,
        same: bool = True,
        relu: bool = False,
        shape: tuple[int, ...] | None = None,
    ) -> int:
        """Adds a convolution of stride 1; `kernel` is (out, in / groups, kh, kw)."""
        outputs, inputs = kernel.shape[0], last(shape_of(source))[3]
        depthwise = kernel.shape[1] == 1 and outputs == inputs and inputs > 1
        order, axis = ((1, 2, 3, 0), 3) if depthwise else ((0, 2, 3, 1), 0)
        kind = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
        options = schema.DepthwiseConv2DOptionsT() if depthwise else schema.Conv2DOptionsT()
        options.strideW = options.strideH = 1
        options.padding = schema.Padding.SAME if same else schema.Padding.VALID
        if depthwise:
            options.depthMultiplier = 1
        if relu:
            options.fusedActivationFunction = schema.ActivationFunctionType.RELU
        weight = self.weight(f"{node.name}_weight", np.transpose(kernel, order), axis)
        bias = np.zeros(outputs, np.float32) if bias is None else bias
        constant = self._bias(f"{node.name}_bias", bias, kernel, source)
        return self.file.operator(kind, [x, weight, constant], self.tensor(node, shape), options)

    def depth_to_space(self, node: fx.Node, x: int, factor: int) -> int:
        """Adds LiteRT's sub-pixel shuffle, whose channels are in the order (row, column, c)."""
        options = schema.DepthToSpaceOptionsT()
        options.blockSize = factor
        return self.file.operator("DEPTH_TO_SPACE", [x], self.tensor(node), options)

    def gather_channels(self, node: fx.Node, x: int, order: npt.NDArray[np.int32]) -> int:
        """Adds a permutation of the channels of a value."""
        options = schema.GatherOptionsT()
        options.axis = 3
        places = self.file.constant(f"{node.name}_order", order)
        return self.file.operator("GATHER", [x, places], self.tensor(node), options)

    def operand(self, value: fx.Node | float, like: fx.Node) -> int:
        """An operand of an elementwise operator: a value, or a constant turned to NHWC."""
        if isinstance(value, fx.Node) and value not in self.traced.constants:
            return self.of[value]
        constant = (
            self.traced.constants[value] if isinstance(value, fx.Node) else torch.tensor(value)
        )
        array = constant.float().numpy()
        array = array.reshape((1,) * (4 - array.ndim) + array.shape).transpose(0, 2, 3, 1)
        name = f"{like.name}_constant"
        if self.ranges is None:
            return self.file.constant(name, array)
        bounds = min(0.0, float(array.min())), max(0.0, float(array.max()))
        return self.file.constant(name, _affine(bounds).of(array), _affine(bounds))

    def fused_relu(self, node: fx.Node) -> fx.Node | None:
        """The ReLU behind a node if nothing else reads the node."""
        users = list(node.users)
        if len(users) == 1 and users[0].target in (aten.relu.default, aten.relu_.default):
            self._fused.add(users[0])
            return users[0]
        return None

    def rescaled(self, node: fx.Node, target: fx.Node) -> int:
        """A value in the scale of another, for operators that want one scale."""
        quantised, wanted = self.quantised(node), self.quantised(target)
        if quantised == wanted or quantised is None:
            return self.of[node]
        tensor = self.file.tensor(
            f"{node.name}_rescaled", last(shape_of(node)), np.int8, wanted, dynamic=True
        )
        return self.file.operator("QUANTIZE", [self.of[node]], tensor, schema.QuantizeOptionsT())

    def _bias(
        self,
        name: str,
        bias: npt.NDArray[np.float32],
        kernel: npt.NDArray[np.float32],
        source: fx.Node,
    ) -> int:
        quantised = self.quantised(source)
        if quantised is None:
            return self.file.constant(name, bias)
        largest = np.maximum(np.abs(kernel).max(axis=(1, 2, 3)), 1e-8).astype(np.float32)
        scale = quantised.scale * largest / 127
        return self.file.constant(name, np.rint(bias / scale).astype(np.int32), Quantised(scale))

    def _quantise(self, lr: int, node: fx.Node) -> int:
        if self.ranges is None:
            return lr
        return self.file.operator("QUANTIZE", [lr], self.tensor(node), schema.QuantizeOptionsT())

    def _dequantise(self, sr: int) -> int:
        if self.ranges is None:
            return sr
        output = self.file.tensor("sr_float", last(shape_of(self.traced.sr)), dynamic=True)
        return self.file.operator("DEQUANTIZE", [sr], output, schema.DequantizeOptionsT())


def last(shape: tuple[int, ...]) -> tuple[int, ...]:
    """(N, C, H, W) -> (N, H, W, C)."""
    batch, channels, height, width = shape
    return batch, height, width, channels


def _affine(bounds: Range) -> Quantised:
    low, high = bounds
    scale = max(high - low, 1e-6) / _LEVELS
    return Quantised(np.array([scale], np.float32), round(-128 - low / scale))


def _fitted(traced: Traced, ranges: dict[fx.Node, Range]) -> dict[fx.Node, Range]:
    """Ranges with those that the format fixes, and those that an image has.

    Input and output are images: levels of 1/255 are exactly those of 8 bits. Operators that only
    move values keep the scale of what they move.
    """
    fitted = {**ranges, traced.lr: _PICTURE, traced.sr: _PICTURE}
    for node in reversed(traced.nodes):
        source = node.all_input_nodes[0] if node.all_input_nodes else None
        if node.target == aten.pixel_shuffle.default and source and len(source.users) == 1:
            fitted[source] = fitted[node]
    for node in traced.nodes:
        if node.target in _SAME_SCALE:
            fitted[node] = fitted[_moved(node)]
        if node.target == aten.sigmoid.default:
            fitted[node] = (0.0, _LEVELS / (_LEVELS + 1))  # the scale that LiteRT demands
    return fitted


def _moved(node: fx.Node) -> fx.Node:
    """What a node that only moves values takes; of a part of a split, what is split."""
    source = node.all_input_nodes[0]
    return source.all_input_nodes[0] if node.target is operator.getitem else source
