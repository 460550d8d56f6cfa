"""ONNX export of a trained network, in its inference form, with its description inside."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn

from splitsr.errors import MissingDependencyError
from splitsr.models.network import Network
from splitsr.models.rewrite import inference_form
from splitsr.spec import spec_to_json

OPSET = 18


def export_onnx(model: Network, path: Path, *, name: str = "") -> None:
    """Writes the network as ONNX, atomically.

    Input `lr` float32 (batch, 3, height, width), RGB in [0, 1]; output `sr` float32 (batch, 3,
    scale * height, scale * width), not clamped. The metadata `splitsr.spec` holds the `ModelSpec`
    as JSON, `splitsr.name` the model's name.

    Args:
        model: the trained network.
        path: the file.
        name: of the model, for the metadata.

    Raises:
        MissingDependencyError: onnx or onnxscript is not installed.
    """
    try:
        import onnx
        import onnxscript  # noqa: F401
    except ImportError:
        raise MissingDependencyError(
            "export to ONNX needs onnx and onnxscript: pip install 'splitsr[export]'"
        ) from None
    proto = _to_proto(inference_form(model))
    metadata = {"splitsr.spec": spec_to_json(model.spec), "splitsr.name": name}
    onnx.helper.set_model_props(proto, metadata)
    proto.doc_string = ""
    for node in proto.graph.node:  # exporter's notes: source lines of the machine that exported
        del node.metadata_props[:]
        node.doc_string = ""
    onnx.checker.check_model(proto)
    partial = path.with_name(path.name + ".partial")
    onnx.save(proto, partial)
    partial.replace(path)


def _to_proto(network: nn.Module):  # type: ignore[no-untyped-def]  # noqa: ANN202
    network = network.eval().cpu()
    example = torch.rand(2, 3, 24, 32)
    sizes = {0: "batch", 2: "height", 3: "width"}
    with _quiet():
        program = torch.onnx.export(
            network,
            (example,),
            input_names=["lr"],
            output_names=["sr"],
            dynamic_shapes=(dict.fromkeys(sizes, torch.export.Dim.DYNAMIC),),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    program.optimize()
    proto = program.model_proto
    for value in (proto.graph.input[0], proto.graph.output[0]):
        for axis, size in sizes.items():
            label = size if axis == 0 or value.name == "lr" else f"{size}_out"
            value.type.tensor_type.shape.dim[axis].dim_param = label
    return proto


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps the exporter's notes off the terminal."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
