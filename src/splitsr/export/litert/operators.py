"""LiteRT's operators for PyTorch's, one function each: adds them and returns the output tensor."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from ai_edge_litert import schema_py_generated as schema
from torch import fx

from splitsr.errors import ModelError
from splitsr.export.litert.graph import Handler, Lowering, last
from splitsr.export.litert.traced import argument, pair, shape_of

aten = torch.ops.aten


def _conv(low: Lowering, node: fx.Node) -> int:
    source, weight = node.args[0], node.args[1]
    assert isinstance(source, fx.Node)
    assert isinstance(weight, fx.Node)
    kernel = low.traced.constants[weight].float().numpy()
    bias_node = argument(node, 2)
    bias = low.traced.constants[bias_node].float().numpy() if bias_node is not None else None
    stride, padding = pair(argument(node, 3, 1)), argument(node, 4, 0)
    dilation = pair(argument(node, 5, 1))
    sides = pair(padding) if padding != "same" else tuple(k // 2 for k in kernel.shape[2:])
    same = sides == tuple(k // 2 for k in kernel.shape[2:])
    if stride != (1, 1) or dilation != (1, 1) or not (same or sides == (0, 0)):
        raise ModelError(
            f"the LiteRT export does not know a convolution with stride {stride}, dilation "
            f"{dilation} and padding {sides}; export to onnx, ncnn or executorch"
        )
    if node in low.orders:
        kernel = kernel[low.orders[node]]
        bias = None if bias is None else bias[low.orders[node]]
    relu = low.fused_relu(node)
    tensor = low.convolve(
        relu or node, low.of[source], kernel, bias, source=source, same=same, relu=bool(relu)
    )
    if relu:
        low.of[relu] = tensor
    return tensor


def _elementwise(kind: str) -> Handler:
    def lower(low: Lowering, node: fx.Node) -> int:
        options = getattr(schema, f"{kind.capitalize()}OptionsT")()
        relu = low.fused_relu(node)
        if relu:
            options.fusedActivationFunction = schema.ActivationFunctionType.RELU
        operands = [low.operand(value, node) for value in node.args[:2]]  # type: ignore[arg-type]
        tensor = low.file.operator(kind, operands, low.tensor(relu or node), options)
        if relu:
            low.of[relu] = tensor
        return tensor

    return lower


def _unary(kind: str) -> Handler:
    def lower(low: Lowering, node: fx.Node) -> int:
        return low.file.operator(kind, [low.of[node.all_input_nodes[0]]], low.tensor(node))

    return lower


def _same(low: Lowering, node: fx.Node) -> int:
    return low.of[node.all_input_nodes[0]]


def _shuffle(low: Lowering, node: fx.Node) -> int:
    source, factor = node.args[0], node.args[1]
    assert isinstance(source, fx.Node)
    assert isinstance(factor, int)
    x = low.of[source]
    if source not in low.orders:
        x = low.gather_channels(source, x, low.orders[node])
    return low.depth_to_space(node, x, factor)


def _mean(low: Lowering, node: fx.Node) -> int:
    axes = sorted(axis % 4 for axis in argument(node, 1, []))
    if axes != [2, 3] or not argument(node, 2, False):
        raise ModelError(
            f"the LiteRT export does not know a mean over the axes {axes}; "
            "export to onnx, ncnn or executorch"
        )
    options = schema.ReducerOptionsT()
    options.keepDims = True
    places = low.file.constant(f"{node.name}_axes", np.array([1, 2], np.int32))
    return low.file.operator(
        "MEAN", [low.of[node.all_input_nodes[0]], places], low.tensor(node), options
    )


def _cat(low: Lowering, node: fx.Node) -> int:
    parts, axis = node.args[0], argument(node, 1, 0)
    assert isinstance(parts, list | tuple)
    assert axis in (1, -3)
    options = schema.ConcatenationOptionsT()
    options.axis = 3
    tensors = [low.rescaled(part, node) for part in parts if isinstance(part, fx.Node)]
    return low.file.operator("CONCATENATION", tensors, low.tensor(node), options)


def _channels(low: Lowering, node: fx.Node, source: fx.Node, start: int) -> int:
    """The channels of a node's shape from `start` on."""
    count = shape_of(node)[1]
    begin = low.file.constant(f"{node.name}_begin", np.array([0, 0, 0, start], np.int32))
    size = low.file.constant(f"{node.name}_size", np.array([-1, -1, -1, count], np.int32))
    return low.file.operator(
        "SLICE", [low.of[source], begin, size], low.tensor(node), schema.SliceOptionsT()
    )


def _slice(low: Lowering, node: fx.Node) -> int:
    source = node.all_input_nodes[0]
    if shape_of(node) == shape_of(source):
        return low.of[source]
    axis, start, step = argument(node, 1, 0), argument(node, 2, 0) or 0, argument(node, 4, 1)
    assert (axis, step) == (1, 1)
    return _channels(low, node, source, start % shape_of(source)[1])


def _getitem(low: Lowering, node: fx.Node) -> int:
    """One part of a split."""
    split, index = node.args[0], node.args[1]
    assert isinstance(split, fx.Node)
    assert isinstance(index, int)
    assert argument(split, 2, 0) in (1, -3)
    start = sum(int(part.shape[1]) for part in split.meta["val"][:index])
    return _channels(low, node, split.all_input_nodes[0], start)


def _pad(low: Lowering, node: fx.Node) -> int:
    source, sides = node.all_input_nodes[0], list(argument(node, 1))
    value = argument(node, 3 if node.target == aten.pad.default else 2, 0.0) or 0.0
    left, right, top, bottom = sides
    amounts = np.array([[0, 0], [top, bottom], [left, right], [0, 0]], np.int32)
    quantised = low.quantised(node)
    filling = np.array([value], np.float32)
    constant = low.file.constant(
        f"{node.name}_value", filling if quantised is None else quantised.of(filling), quantised
    )
    places = low.file.constant(f"{node.name}_amounts", amounts)
    inputs = [low.of[source], places, constant]
    return low.file.operator("PADV2", inputs, low.tensor(node), schema.PadV2OptionsT())


def _factor(node: fx.Node) -> int:
    source = node.all_input_nodes[0]
    return shape_of(node)[2] // shape_of(source)[2]


def _nearest(low: Lowering, node: fx.Node) -> int:
    """Each channel r^2 times, then the shuffle: exact at any size, without computing shapes."""
    source, factor = node.all_input_nodes[0], _factor(node)
    kernel = np.tile(np.eye(shape_of(source)[1], dtype=np.float32), (factor**2, 1))
    return _by_phases(low, node, low.of[source], kernel[:, :, None, None], factor, same=True)


def _bilinear(low: Lowering, node: fx.Node) -> int:
    """Each of the r x r phases is a 3x3 convolution of the image with repeated edges."""
    source, factor = node.all_input_nodes[0], _factor(node)
    batch, height, width, channels = last(shape_of(source))
    taps = _phases(factor)
    planes = np.einsum("iy,jx->ijyx", taps, taps).reshape(factor**2, 1, 1, 3, 3)
    eye = np.eye(channels, dtype=np.float32)[None, :, :, None, None]
    kernel = (planes * eye).reshape(factor**2 * channels, channels, 3, 3).astype(np.float32)
    options = schema.MirrorPadOptionsT()
    options.mode = schema.MirrorPadMode.SYMMETRIC
    amounts = np.array([[0, 0], [1, 1], [1, 1], [0, 0]], np.int32)
    places = low.file.constant(f"{node.name}_amounts", amounts)
    padded = low.tensor(source, (batch, height + 2, width + 2, channels))
    low.file.operator("MIRROR_PAD", [low.of[source], places], padded, options)
    return _by_phases(low, node, padded, kernel, factor, same=False)


def _phases(factor: int) -> npt.NDArray[np.float64]:
    """Weights (factor, 3) of the pixel before, at and after, for each place within a pixel."""
    offsets = (np.arange(factor) + 0.5) / factor - 0.5
    return np.stack([np.maximum(-offsets, 0), 1 - np.abs(offsets), np.maximum(offsets, 0)], axis=1)


def _by_phases(
    low: Lowering,
    node: fx.Node,
    x: int,
    kernel: npt.NDArray[np.float32],
    factor: int,
    *,
    same: bool,
) -> int:
    source = node.all_input_nodes[0]
    batch, height, width, channels = last(shape_of(source))
    shape = (batch, height, width, channels * factor**2)
    phases = low.convolve(node, x, kernel, source=source, same=same, shape=shape)
    return low.depth_to_space(node, phases, factor)


HANDLERS: dict[Any, Handler] = {
    aten.conv2d.default: _conv,
    aten.conv2d.padding: _conv,
    aten.add.Tensor: _elementwise("ADD"),
    aten.add_.Tensor: _elementwise("ADD"),
    aten.sub.Tensor: _elementwise("SUB"),
    aten.mul.Tensor: _elementwise("MUL"),
    aten.relu.default: _unary("RELU"),
    aten.relu_.default: _unary("RELU"),
    aten.sigmoid.default: _unary("LOGISTIC"),
    aten.mean.dim: _mean,
    aten.cat.default: _cat,
    aten.slice.Tensor: _slice,
    operator.getitem: _getitem,
    aten.constant_pad_nd.default: _pad,
    aten.pad.default: _pad,
    aten.pixel_shuffle.default: _shuffle,
    aten.upsample_nearest2d.vec: _nearest,
    aten.upsample_bilinear2d.vec: _bilinear,
    aten.contiguous.default: _same,
    aten.clone.default: _same,
}
"""By the operator of PyTorch."""
