"""Export to Core ML by coremltools, and running such a package, which only macOS does."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from splitsr.export.quiet import quiet
from splitsr.export.target import SIDES, Layout, Target
from splitsr.networks import ModelSpec, spec_to_json
from splitsr.runtime.engine import FloatArray

with quiet():
    import coremltools as ct

RUNS_HERE = sys.platform == "darwin"

_EXAMPLE = (24, 32)


def build(
    form: nn.Module,
    spec: ModelSpec,
    target: Target,
    name: str,
    photos: Sequence[npt.NDArray[np.uint8]],  # noqa: ARG001
    path: Path,
) -> None:
    """Writes an `.mlpackage`, a folder: an ML program for iOS 16 and macOS 13, or newer.

    Input `lr` and output `sr` are float32 (1, 3, H, W); the output is not clamped.

    Args:
        form: the network's inference form.
        spec: its description, stored as metadata `splitsr.spec`.
        target: precision and size; without a size, sides are those of `SIDES`.
        name: of the model, stored as metadata `splitsr.name`.
        photos: not used.
        path: the package.
    """
    traced = torch.jit.trace(form.eval(), torch.rand(1, 3, *(target.size or _EXAMPLE)))  # type: ignore[no-untyped-call]
    sides = target.size or [ct.RangeDim(*SIDES["coreml"], default=256) for _ in "hw"]
    half = target.precision == "fp16"
    with quiet(), contextlib.redirect_stderr(io.StringIO()):  # progress bars
        model = ct.convert(
            traced,
            inputs=[ct.TensorType("lr", shape=(1, 3, *sides), dtype=np.float32)],
            outputs=[ct.TensorType("sr", dtype=np.float32)],
            convert_to="mlprogram",
            compute_precision=ct.precision.FLOAT16 if half else ct.precision.FLOAT32,
            minimum_deployment_target=ct.target.iOS16,
            skip_model_load=True,
        )
    model.user_defined_metadata.update({"splitsr.spec": spec_to_json(spec), "splitsr.name": name})
    model.save(str(path))


class CoreMLEngine:
    """A network in an `.mlpackage`, run by Core ML."""

    def __init__(
        self,
        path: Path,
        spec: ModelSpec,
        layout: Layout,  # noqa: ARG002 (Core ML has one here)
        threads: int = 1,  # noqa: ARG002
    ) -> None:
        """Loads a package that `build` wrote."""
        self.spec = spec
        self.name = path.name
        self._model = ct.models.MLModel(str(path))

    def run(self, lr: FloatArray) -> FloatArray:
        """(1, 3, H, W) float32 in [0, 1] -> (1, 3, scale * H, scale * W) float32."""
        sr: FloatArray = self._model.predict({"lr": lr})["sr"]
        return sr
