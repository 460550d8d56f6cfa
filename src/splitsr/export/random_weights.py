"""Networks without training, for what their weights do not change: time, memory, conversion."""

from __future__ import annotations

import tempfile
from functools import lru_cache
from pathlib import Path

import torch

from splitsr.export.onnx import export_onnx
from splitsr.networks import ModelSpec
from splitsr.networks.build import build_model
from splitsr.networks.network import Network
from splitsr.runtime.onnx_engine import OnnxEngine


def untrained_network(spec: ModelSpec) -> Network:
    """The network of a spec, with the same random weights each time."""
    torch.manual_seed(0)
    return build_model(spec).eval()


def untrained_engine(spec: ModelSpec, threads: int) -> OnnxEngine:
    """The network of a spec as it would ship.

    Args:
        spec: the network.
        threads: that it is to run on.
    """
    return OnnxEngine(_untrained_file(spec), threads)


@lru_cache(maxsize=16)  # a search measures its best again
def _untrained_file(spec: ModelSpec) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.onnx"
        export_onnx(untrained_network(spec), path)
        return path.read_bytes()
