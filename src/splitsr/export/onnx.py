"""ONNX export of a trained network, in its inference form, with its description inside."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import onnxscript  # noqa: F401 (what torch.onnx.export writes with)
import torch
from onnx import ModelProto
from torch import nn

from splitsr.export.forms import ChannelsLast, HalfInside, with_dense_convolutions
from splitsr.export.quantize import quantize_onnx
from splitsr.export.target import Layout, Source, Target
from splitsr.imaging.atomic import write_atomic
from splitsr.networks import ModelSpec
from splitsr.networks.network import Network
from splitsr.networks.splitsr.inference_form import inference_form
from splitsr.runtime.engine import FloatArray

OPSET = 18
_EXAMPLE = (24, 32)  # of a network for any size


def export_onnx(model: Network, path: Path, *, name: str = "") -> None:
    """Writes the network as float32 ONNX for any size, atomically; what `build` writes.

    Args:
        model: the trained network.
        path: the file.
        name: of the model, for the metadata.
    """
    build(Source(inference_form(model), model.spec, name), Target(format="onnx"), path)


def build(source: Source, target: Target, path: Path) -> None:
    """Writes an `.onnx` file, atomically.

    Input `lr` float32 (batch, 3, height, width), RGB in [0, 1]; output `sr` float32 (batch, 3,
    scale * height, scale * width), not clamped; with `nhwc` the channels are last in both. The
    metadata `splitsr.spec` holds the `ModelSpec` as JSON, `splitsr.name` the model's name.
    """
    form = source.form
    channels_last = target.layout == "nhwc"
    if target.precision == "int8":
        form = with_dense_convolutions(form)
    elif target.precision == "fp16":
        form = HalfInside(form)
    proto = to_proto(ChannelsLast(form) if channels_last else form, target)
    onnx.helper.set_model_props(proto, source.metadata)
    if target.precision == "int8":
        proto = quantize_onnx(proto, source.photos, channels_last=channels_last)
    save(proto, path)


def save(proto: ModelProto, path: Path) -> None:
    """Writes a network, atomically, without notes of the machine that exported it."""
    proto.doc_string = ""
    for node in proto.graph.node:  # exporter's notes: source lines
        del node.metadata_props[:]
        node.doc_string = ""
    onnx.checker.check_model(proto)
    write_atomic(path, proto.SerializeToString(), overwrite=True)


def to_proto(network: nn.Module, target: Target) -> ModelProto:
    """The network as ONNX in float32, without metadata."""
    network = network.eval().cpu()
    first = 1 if target.layout == "nhwc" else 2
    sizes = {0: "batch", first: "height", first + 1: "width"}
    example = torch.rand(1 if target.size else 2, 3, *(target.size or _EXAMPLE))
    dynamic = None if target.size else dict.fromkeys(sizes, torch.export.Dim.DYNAMIC)
    with _quiet():
        program = torch.onnx.export(
            network,
            (example.permute(0, 2, 3, 1) if target.layout == "nhwc" else example,),
            input_names=["lr"],
            output_names=["sr"],
            dynamic_shapes=None if dynamic is None else (dynamic,),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    program.optimize()
    proto = program.model_proto
    for value in (proto.graph.input[0], proto.graph.output[0]) if dynamic else ():
        for axis, size in sizes.items():
            label = size if axis == 0 or value.name == "lr" else f"{size}_out"
            value.type.tensor_type.shape.dim[axis].dim_param = label
    return proto


class OnnxFileEngine:
    """A network in an `.onnx` file of either layout, run by ONNX Runtime on the CPU."""

    def __init__(self, path: Path, spec: ModelSpec, layout: Layout, threads: int = 1) -> None:
        """Loads a file that `build` wrote."""
        self.spec = spec
        self.name = path.name
        self._layout = layout
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3  # errors
        self._session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )

    def run(self, lr: FloatArray) -> FloatArray:
        """(N, 3, H, W) float32 in [0, 1] -> (N, 3, scale * H, scale * W) float32."""
        turned = lr.transpose(0, 2, 3, 1) if self._layout == "nhwc" else lr
        (sr,) = self._session.run(["sr"], {"lr": np.ascontiguousarray(turned)})
        array: FloatArray = sr.transpose(0, 3, 1, 2) if self._layout == "nhwc" else sr
        return array


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps the exporter's notes off the terminal."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxruntime")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
