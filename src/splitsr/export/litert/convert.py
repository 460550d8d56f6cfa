"""Export to LiteRT (TensorFlow Lite), and running such a file by ai-edge-litert."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from splitsr.export.forms import with_dense_convolutions
from splitsr.export.litert.graph import Lowering, last
from splitsr.export.litert.operators import HANDLERS
from splitsr.export.litert.traced import Traced, shape_of
from splitsr.export.target import Layout, Source, Target
from splitsr.networks import ModelSpec
from splitsr.runtime.engine import FloatArray

_ANY_SIZE = (24, 32)  # traced where any will do


def build(source: Source, target: Target, path: Path) -> None:
    """Writes a `.tflite` file: input `lr`, output `sr`, float32, by the signature.

    Raises:
        ModelError: the network has an operator that is not known here.
    """
    int8 = target.precision == "int8"
    traced = Traced(
        with_dense_convolutions(source.form) if int8 else source.form, target.size or _ANY_SIZE
    )
    lowering = Lowering(
        traced,
        half=target.precision == "fp16",
        ranges=traced.ranges(source.photos) if int8 else None,
    )
    file = lowering.file
    dynamic = target.size is None
    pictures = [shape_of(node) for node in (traced.lr, traced.sr)]
    planes = target.layout == "nchw"
    lr = file.tensor("lr", pictures[0] if planes else last(pictures[0]), dynamic=dynamic)
    if planes:
        pixels = _turned(lowering, lr, (0, 2, 3, 1), last(pictures[0]))
    sr = lowering.write(pixels if planes else lr, HANDLERS)
    if planes:
        sr = _turned(lowering, sr, (0, 3, 1, 2), pictures[1])
    file.rename(sr, "sr")
    path.write_bytes(file.content({"lr": lr}, {"sr": sr}, source.metadata))


def _turned(lowering: Lowering, tensor: int, order: tuple[int, ...], shape: tuple[int, ...]) -> int:
    """A tensor with its axes in another order."""
    axes = lowering.file.constant("axes", np.array(order, np.int32))
    turned = lowering.file.tensor("turned", shape, dynamic=True)
    options = schema.TransposeOptionsT()
    return lowering.file.operator("TRANSPOSE", [tensor, axes], turned, options)


class LiteRTEngine:
    """A network in a `.tflite` file, run on the CPU (XNNPACK)."""

    def __init__(self, path: Path, spec: ModelSpec, layout: Layout, threads: int = 1) -> None:
        """Loads a file that `build` wrote."""
        self.spec = spec
        self.name = path.name
        self._layout = layout
        self._interpreter = Interpreter(model_path=str(path), num_threads=threads)

    def run(self, lr: FloatArray) -> FloatArray:
        """(N, 3, H, W) float32 in [0, 1] -> (N, 3, scale * H, scale * W) float32."""
        turned = lr.transpose(0, 2, 3, 1) if self._layout == "nhwc" else lr
        port = self._interpreter.get_input_details()[0]
        if tuple(port["shape"]) != turned.shape:
            self._interpreter.resize_tensor_input(port["index"], turned.shape, strict=False)
        self._interpreter.allocate_tensors()
        self._interpreter.set_tensor(port["index"], np.ascontiguousarray(turned))
        self._interpreter.invoke()
        sr: FloatArray = self._interpreter.get_tensor(
            self._interpreter.get_output_details()[0]["index"]
        )
        return sr.transpose(0, 3, 1, 2) if self._layout == "nhwc" else sr
