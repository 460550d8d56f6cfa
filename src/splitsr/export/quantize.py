"""int8 for ONNX Runtime: static, weights with a scale a channel, calibrated on photographs.

Weights have 7 bits: x86 CPUs without VNNI keep the sum of two products of an unsigned and a signed
byte in 16 bits, and 2 * 255 * 64 is the most that fits. With 8 bits they lose up to 2 dB.

The activations of every layer have 8 bits, head and tail too: keeping those two in float32 was
measured and won no quality, for the image's own levels are exact in 8 bits. Ranges leave out the
rarest values, which costs less than coarser steps for all; only what is added to the image keeps
the range of all that were looked at, for there the rarest values are the sharpest edges.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from splitsr.imaging.arrays import to_nchw
from splitsr.runtime.engine import FloatArray

if TYPE_CHECKING:
    import onnxruntime
    from onnx import ModelProto

_OPERATORS = ["Conv", "Add", "Relu", "DepthToSpace"]
_BEYOND = 3e-5  # share of a tensor's values that may lie beyond its range, on either side
_KEPT = 1_000_000  # values of a tensor that are looked at


class _Inputs:
    """Inputs as ONNX Runtime asks for them."""

    def __init__(self, inputs: Sequence[FloatArray]) -> None:
        self._inputs = iter(inputs)

    def get_next(self) -> dict[str, FloatArray] | None:
        lr = next(self._inputs, None)
        return None if lr is None else {"lr": lr}


def quantize_onnx(
    proto: ModelProto,
    photos: Sequence[npt.NDArray[np.uint8]],
    *,
    channels_last: bool = False,
) -> ModelProto:
    """A network in int8, as pairs of QuantizeLinear and DequantizeLinear around its operators.

    Input and output stay float32, in levels of 1/255: exactly those of 8-bit images.

    Args:
        proto: the network in float32.
        photos: LR images (H, W, 3) uint8 to calibrate on, each at least once.
        channels_last: whether the network takes (N, H, W, 3).
    """
    import onnx
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    picture = {"scale": np.array(1 / 255, np.float32), "zero_point": np.array(0, np.uint8)}
    axes = (0, 2, 3, 1) if channels_last else (0, 1, 2, 3)
    inputs = [to_nchw(photo).transpose(axes) for photo in photos]
    overrides: dict[str, list[dict[str, Any]]] = {port: [picture] for port in _pictures(proto)}
    overrides |= {name: [found] for name, found in _ranges(proto, inputs).items()}
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder, "before.onnx"), Path(folder, "after.onnx")
        onnx.save(proto, before)
        root = logging.getLogger()
        level = root.level
        root.setLevel(logging.ERROR)  # it advises a preparation that changes nothing here
        try:
            quantize_static(
                before,
                after,
                _Inputs(inputs[:1]),  # its own ranges are overridden
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                reduce_range=True,  # of the weights
                # ONNX Runtime's integer kernels on x86 are made for unsigned activations.
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                calibrate_method=CalibrationMethod.MinMax,
                op_types_to_quantize=_OPERATORS,
                extra_options={"TensorQuantOverrides": overrides},
            )
        finally:
            root.setLevel(level)
        quantized = onnx.load(after)
    del quantized.metadata_props[:]
    quantized.metadata_props.extend(proto.metadata_props)
    quantized.producer_name, quantized.producer_version = "splitsr", ""
    return quantized


def sampled(values: FloatArray, images: int) -> FloatArray:
    """Some of a tensor's values, evenly taken, where `images` images are looked at."""
    return values.ravel()[:: 1 + values.size * images // _KEPT]


def value_range(parts: Sequence[FloatArray], *, whole: bool = False) -> tuple[float, float]:
    """The least and the largest value that 8 bits tell apart; 0 is always between them.

    Args:
        parts: values of a tensor, from several images.
        whole: leave out none of them.
    """
    beyond = 0 if whole else _BEYOND
    low, high = np.quantile(np.concatenate(parts), (beyond, 1 - beyond))
    return float(min(low, 0)), float(max(high, 0))


def _ranges(proto: ModelProto, inputs: Sequence[FloatArray]) -> dict[str, dict[str, np.float32]]:
    """The least and the largest value that a tensor's 8 bits tell apart."""
    names, whole = _activations(proto)
    kept: dict[str, list[FloatArray]] = {name: [] for name in names}
    session = _observed(proto, names)
    for lr in inputs:
        for name, values in zip(names, session.run(names, {"lr": lr}), strict=True):
            kept[name].append(sampled(values, len(inputs)))
    ranges = {}
    for name, parts in kept.items():
        low, high = value_range(parts, whole=name in whole)
        ranges[name] = {"rmin": np.float32(low), "rmax": np.float32(high)}
    return ranges


def _activations(proto: ModelProto) -> tuple[list[str], set[str]]:
    """Tensors that are quantized and no images, and those of them that are added to one."""
    nodes = [node for node in proto.graph.node if node.op_type in _OPERATORS]
    pictures = set(_pictures(proto))
    added = [node.input for node in nodes if node.op_type == "Add" and node.output[0] in pictures]
    fused = {node.input[0] for node in nodes if node.op_type == "Relu"}
    constants = {value.name for value in proto.graph.initializer}
    tensors = {name for node in nodes for name in (*node.input, *node.output) if name}
    return sorted(tensors - pictures - fused - constants), {name for pair in added for name in pair}


def _observed(proto: ModelProto, names: Sequence[str]) -> onnxruntime.InferenceSession:
    """The network in float32 with these tensors as outputs."""
    import onnx
    import onnxruntime

    observed = onnx.ModelProto()
    observed.CopyFrom(proto)
    observed.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    return onnxruntime.InferenceSession(
        observed.SerializeToString(), providers=["CPUExecutionProvider"]
    )


def _pictures(proto: ModelProto) -> list[str]:
    """Tensors that are images: the input, the output, and the output before its shuffle."""
    names = {"lr", "sr"}
    for node in reversed(proto.graph.node):
        if node.op_type in ("DepthToSpace", "Transpose") and node.output[0] in names:
            names.add(node.input[0])
    for node in proto.graph.node:
        if node.op_type == "Transpose" and node.input[0] in names:
            names.add(node.output[0])
    return sorted(names)
