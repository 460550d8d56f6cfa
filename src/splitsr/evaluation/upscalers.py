"""What can be evaluated: shipped models, ONNX files, training checkpoints and bicubic."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from splitsr.errors import naming_extra
from splitsr.evaluation.score import Enlarge, Enlarged, bicubic, regardless
from splitsr.imaging.files import Photo
from splitsr.imaging.resize import Edge
from splitsr.networks import ModelSpec
from splitsr.networks.base import WEIGHTS_SUFFIXES
from splitsr.runtime.engine import Engine, FloatArray
from splitsr.runtime.restore import Restore
from splitsr.runtime.upscaler import Upscaler

if TYPE_CHECKING:
    from torch import nn

BICUBIC = "bicubic"


@dataclass(frozen=True)
class NamedUpscaler:
    """A way to upscale.

    Attributes:
        name: as it was asked for.
        scale: how much it enlarges.
        enlarge: does so.
    """

    name: str
    scale: int
    enlarge: Enlarge

    def upscale(self, lr: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Enlarges an image of no file, uint8 (H, W, 3)."""
        return self.enlarge(Photo(lr)).color


def find_upscaler(
    model: str,
    *,
    scale: int | None = None,
    edge: Edge = "mirror",
    threads: int | None = None,
    restore: Restore = "auto",
    ensemble: bool = False,
) -> NamedUpscaler:
    """Finds a method by name.

    Networks run through `Upscaler`, so that what is measured is what users get: its tiles, its
    rounding, and its way to a scale that no network has.

    Args:
        model: a name of the catalogue, an ONNX file, a `.safetensors` file of weights or a
            published `.pth` (which need torch), or `bicubic`.
        scale: by default the network's own; `bicubic` has none.
        edge: the edge rule of `bicubic`.
        threads: CPU threads of a network; by default all that are available.
        restore: as for `Upscaler`; nothing to `bicubic`.
        ensemble: as for `Upscaler`; nothing to `bicubic`, which it leaves as it is.

    Raises:
        ValueError: `bicubic` without a scale.
        ModelError: an unknown model, or one that cannot be loaded.
        MissingDependencyError: weights without torch.
    """
    if model == BICUBIC:
        if scale is None:
            raise ValueError("scale: bicubic has none of its own; give one, such as 4")
        return NamedUpscaler(model, scale, regardless(bicubic(scale, edge=edge)))
    is_weights = Path(model).suffix in WEIGHTS_SUFFIXES
    network = _torch_engine(Path(model), threads) if is_weights else model
    upscaler = Upscaler(network, threads=threads, restore=restore, ensemble=ensemble)
    enlargement = scale or upscaler.scale

    def enlarge(photo: Photo) -> Enlarged:
        found = upscaler.restoration(photo, enlargement)
        sr = upscaler.enlarge(Photo(photo.color), enlargement, strength=found.strength)
        return Enlarged(sr.color, found.strength)

    return NamedUpscaler(model, enlargement, enlarge)


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
    with naming_extra(f"{path}: a file of weights, unlike ONNX,", "train"):
        import torch

        from splitsr.networks.checkpoint import load_weights
    if threads:
        torch.set_num_threads(threads)  # torch has one number of threads for the whole process
    network = load_weights(path)
    return _TorchEngine(path.stem, network.spec, network)
