"""Networks that are timed before they are trained: weights do not change how long they take."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch

from splitsr.export.onnx import export_onnx
from splitsr.networks import ModelSpec
from splitsr.networks.build import build_model
from splitsr.runtime.onnx_engine import OnnxEngine


def untrained_engine(spec: ModelSpec, threads: int) -> OnnxEngine:
    """The network of a spec as it would ship, with weights of no meaning.

    Args:
        spec: the network.
        threads: that it is to run on.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.onnx"
        torch.manual_seed(0)
        export_onnx(build_model(spec).eval(), path)
        return OnnxEngine(path.read_bytes(), threads)
