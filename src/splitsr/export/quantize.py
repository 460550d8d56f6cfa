"""int8 for ONNX Runtime: static, weights with a scale a channel, calibrated on photographs.

The activations of every layer are 8 bits, head and tail too: keeping those two in float32 was
measured and won no quality (`docs/results/precision.json`, "int8, ends fp32"), for the picture's
own levels are exact in 8 bits.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from splitsr.imaging.arrays import to_nchw
from splitsr.runtime.engine import FloatArray

if TYPE_CHECKING:
    from onnx import ModelProto

_OPERATORS = ["Conv", "Add", "Relu", "DepthToSpace"]


class _Photos:
    """Calibration pictures as ONNX Runtime asks for them."""

    def __init__(self, photos: Sequence[npt.NDArray[np.uint8]], *, channels_last: bool) -> None:
        self._axes = (0, 2, 3, 1) if channels_last else (0, 1, 2, 3)
        self._photos: Iterator[npt.NDArray[np.uint8]] = iter(photos)

    def get_next(self) -> dict[str, FloatArray] | None:
        photo = next(self._photos, None)
        return None if photo is None else {"lr": to_nchw(photo).transpose(self._axes)}


def quantize_onnx(
    proto: ModelProto,
    photos: Sequence[npt.NDArray[np.uint8]],
    *,
    channels_last: bool = False,
    keep: Sequence[str] = (),
) -> ModelProto:
    """A network in int8, as pairs of QuantizeLinear and DequantizeLinear around its operators.

    Input and output stay float32, in levels of 1/255: exactly those of 8-bit pictures.

    Args:
        proto: the network in float32.
        photos: LR pictures (H, W, 3) uint8 to calibrate on, each at least once.
        channels_last: whether the network takes (N, H, W, 3).
        keep: names of nodes that stay in float32.
    """
    import onnx
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    picture = {"scale": np.array(1 / 255, np.float32), "zero_point": np.array(0, np.uint8)}
    ports = _pictures(proto) if not keep else []
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
                _Photos(photos, channels_last=channels_last),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                # ONNX Runtime's integer kernels on x86 are made for unsigned activations.
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                calibrate_method=CalibrationMethod.MinMax,
                op_types_to_quantize=_OPERATORS,
                nodes_to_exclude=list(keep),
                extra_options={"TensorQuantOverrides": {port: [picture] for port in ports}},
            )
        finally:
            root.setLevel(level)
        quantized = onnx.load(after)
    del quantized.metadata_props[:]
    quantized.metadata_props.extend(proto.metadata_props)
    quantized.producer_name, quantized.producer_version = "splitsr", ""
    return quantized


def ends_of(proto: ModelProto) -> list[str]:
    """Names of the convolutions that read the picture or make it: head and tail."""
    convolutions = [node for node in proto.graph.node if node.op_type == "Conv"]
    head = [node.name for node in convolutions if "lr" in node.input]
    tail = [node.name for node in convolutions if node.name not in head][-1:]
    return head + tail


def _pictures(proto: ModelProto) -> list[str]:
    """Tensors that are pictures: the input, the output, and the output before its shuffle."""
    names = {"lr", "sr"}
    for node in reversed(proto.graph.node):
        if node.op_type in ("DepthToSpace", "Transpose") and node.output[0] in names:
            names.add(node.input[0])
    for node in proto.graph.node:
        if node.op_type == "Transpose" and node.input[0] in names:
            names.add(node.output[0])
    return sorted(names)
