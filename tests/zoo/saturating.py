"""int8 as x86 CPUs without VNNI compute it: the sum of two products is kept in 16 bits.

Their instruction `vpmaddubsw` multiplies unsigned by signed bytes and adds two neighbours to an
int16 that saturates. CPUs with VNNI, and ARM's, add exactly. Which kernels ONNX Runtime takes
cannot be chosen, so the arithmetic is computed here, on any machine.
"""

from __future__ import annotations

from collections.abc import Mapping

import onnx
import torch
from onnx import NodeProto, numpy_helper
from torch import Tensor
from torch.nn import functional

from splitsr.runtime.engine import FloatArray
from splitsr.zoo.onnx_file import NAME_KEY, read_metadata, spec_from_metadata

_LEAST, _MOST, _BRIGHTEST = -(2**15), 2**15 - 1, 255


class SaturatingEngine:
    """A network in int8 as `quantize_onnx` writes it, with saturating sums. Slow."""

    def __init__(self, content: bytes) -> None:
        """Reads the content of an ONNX file."""
        metadata = read_metadata(content, "int8")
        self.spec = spec_from_metadata(metadata, "int8")
        self.name = metadata.get(NAME_KEY, "int8")
        graph = onnx.load_model_from_string(content).graph
        self._nodes = list(graph.node)
        self._makers = {node.output[0]: node for node in graph.node}
        self._constants = {
            value.name: torch.from_numpy(numpy_helper.to_array(value).copy())
            for value in graph.initializer
        }

    def run(self, lr: FloatArray) -> FloatArray:
        """(N, 3, H, W) float32 in [0, 1] -> (N, 3, scale * H, scale * W) float32."""
        values = {**self._constants, "lr": torch.from_numpy(lr)}
        with torch.inference_mode():
            for node in self._nodes:
                values[node.output[0]] = self._compute(node, values)
        sr: FloatArray = values["sr"].numpy()
        return sr

    def _compute(self, node: NodeProto, values: Mapping[str, Tensor]) -> Tensor:
        first, *others = (values[name] for name in node.input)
        match node.op_type:
            case "QuantizeLinear":
                return torch.clamp(torch.round(first / others[0]) + others[1], 0, _BRIGHTEST)
            case "DequantizeLinear":
                scale, zero = (_along(value, first) for value in others)
                return (first.float() - zero) * scale
            case "Conv":
                return self._convolve(node, values)
            case "Relu":
                return first.clamp(min=0)
            case "Add":
                return first + others[0]
            case "DepthToSpace":
                return functional.pixel_shuffle(first, self.spec.scale)
        raise NotImplementedError(node.op_type)

    def _convolve(self, node: NodeProto, values: Mapping[str, Tensor]) -> Tensor:
        levels, scale, zero = (values[name] for name in self._makers[node.input[0]].input)
        weight, scales, _ = (values[name] for name in self._makers[node.input[1]].input)
        sides = {attribute.name: list(attribute.ints) for attribute in node.attribute}
        top, left, bottom, right = sides.get("pads", [0, 0, 0, 0])
        padded = functional.pad(levels, (left, right, top, bottom), value=float(zero))
        sums = saturating_sums(padded, weight) - (zero * weight.sum((1, 2, 3)))[:, None, None]
        found = sums * (scale * scales)[:, None, None]
        return found + values[node.input[2]][:, None, None] if len(node.input) > 2 else found


def _along(value: Tensor, other: Tensor) -> Tensor:
    """A value a channel, for a tensor that has them first; a single value for all of it."""
    return value.reshape(-1, *[1] * (other.dim() - 1)) if value.dim() else value


def saturating_sums(levels: Tensor, weight: Tensor) -> Tensor:
    """Integers in float32, which holds them exactly: they stay below 2**24."""
    outputs, inputs, height, width = weight.shape
    pixels = functional.unfold(levels, (height, width)).unflatten(1, (inputs, -1))
    # Neighbours are channels of one place of the kernel, then of the next.
    columns = _even(pixels.transpose(1, 2).flatten(1, 2))
    rows = _even(weight.float().permute(0, 2, 3, 1).reshape(outputs, -1, 1))
    pairs = (columns[:, ::2] * row[::2] + columns[:, 1::2] * row[1::2] for row in rows)
    sums = torch.stack([pair.clamp(_LEAST, _MOST).sum(1) for pair in pairs], 1)
    return sums.unflatten(2, (levels.shape[2] - height + 1, levels.shape[3] - width + 1))


def _even(terms: Tensor) -> Tensor:
    """Terms along the axis 1, with a zero behind them if their number is odd."""
    return functional.pad(terms, (0, 0, 0, terms.shape[1] % 2))
