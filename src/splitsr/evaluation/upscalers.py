"""What can be evaluated: shipped models, ONNX files, training checkpoints and bicubic."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from splitsr.errors import MissingDependencyError
from splitsr.evaluation.score import Upscale, bicubic
from splitsr.imaging.resize import Edge
from splitsr.networks import ModelSpec
from splitsr.runtime.engine import Engine, FloatArray
from splitsr.runtime.upscaler import Upscaler

if TYPE_CHECKING:
    from torch import nn

BICUBIC = "bicubic"
WEIGHTS_SUFFIXES = (".safetensors", ".pth")


@dataclass(frozen=True)
class Method:
    """A way to upscale.

    Attributes:
        name: as it was asked for.
        scale: how much it enlarges.
        upscale: does so.
    """

    name: str
    scale: int
    upscale: Upscale


def find_method(
    model: str, *, scale: int | None = None, edge: Edge = "mirror", threads: int | None = None
) -> Method:
    """Finds a method by name.

    Networks run through `Upscaler`, so that what is measured is what users get: its tiles, its
    rounding, and its way to a scale that no network has.

    Args:
        model: a name of the catalogue, an ONNX file, a `.safetensors` file of weights or a
            published `.pth` (which need torch), or `bicubic`.
        scale: by default the network's own; `bicubic` has none.
        edge: the edge rule of `bicubic`.
        threads: CPU threads of a network; by default all that are available.

    Raises:
        ValueError: `bicubic` without a scale.
        ModelError: an unknown model, or one that cannot be loaded.
        MissingDependencyError: weights without torch.
    """
    if model == BICUBIC:
        if scale is None:
            raise ValueError("scale: bicubic has none of its own; give one, such as 4")
        return Method(model, scale, bicubic(scale, edge=edge))
    is_weights = Path(model).suffix in WEIGHTS_SUFFIXES
    network = _torch_engine(Path(model), threads) if is_weights else model
    upscaler = Upscaler(network, threads=threads)
    enlargement = scale or upscaler.scale
    return Method(model, enlargement, lambda lr: upscaler(lr, enlargement))


@dataclass(frozen=True)
class _TorchEngine:
    """A network in torch, as the runtime wants it."""

    name: str
    spec: ModelSpec
    network: nn.Module

    def run(self, lr: FloatArray) -> FloatArray:
        """(N, 3, H, W) float32 in [0, 1] -> (N, 3, scale * H, scale * W) float32."""
        import torch

        with torch.inference_mode():
            sr: FloatArray = self.network(torch.from_numpy(np.ascontiguousarray(lr))).numpy()
        return sr


def _torch_engine(path: Path, threads: int | None) -> Engine:
    """A network straight from its weights, before any export."""
    try:
        import torch

        from splitsr.networks.checkpoint import load_weights
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"{path}: weights need {error.name}: pip install 'splitsr[train]', or give ONNX"
        ) from None
    if threads:
        torch.set_num_threads(threads)  # torch has one number of threads for the whole process
    network = load_weights(path)
    return _TorchEngine(path.stem, network.spec, network)
