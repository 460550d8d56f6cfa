"""Export to Core ML by coremltools, and running such a package, which only macOS does."""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path

import numpy as np
import torch

from splitsr.export.quiet import quiet
from splitsr.export.target import RUNTIMES, Layout, Source, Target
from splitsr.networks import ModelSpec
from splitsr.runtime.engine import FloatArray

with quiet():
    import coremltools as ct

RUNS_HERE = sys.platform == "darwin"

_EXAMPLE = (24, 32)


def build(source: Source, target: Target, path: Path) -> None:
    """Writes an `.mlpackage`, a folder: an ML program for iOS 16 and macOS 13, or newer.

    Input `lr` and output `sr` are float32 (1, 3, H, W); the output is not clamped.
    """
    traced = torch.jit.trace(source.form.eval(), torch.rand(1, 3, *(target.size or _EXAMPLE)))  # type: ignore[no-untyped-call]
    sides = target.size or [ct.RangeDim(*RUNTIMES["coreml"].sides, default=256) for _ in "hw"]
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
    model.user_defined_metadata.update(source.metadata)
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
