"""The converters and the runtimes of the formats, each imported when it is asked for."""

from __future__ import annotations

import importlib
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

from splitsr.errors import naming_extra
from splitsr.export.target import RUNTIMES, Format, Source, Target
from splitsr.networks import ModelSpec
from splitsr.runtime.engine import Engine

# The module, its engine, and the package of the runtime.
_RUNTIMES: dict[Format, tuple[str, str, str]] = {
    "onnx": ("onnx", "OnnxFileEngine", "onnxruntime"),
    "litert": ("litert.convert", "LiteRTEngine", "ai-edge-litert"),
    "ncnn": ("ncnn", "NcnnEngine", "ncnn"),
    "upscayl": ("upscayl", "UpscaylEngine", "ncnn"),
    "executorch": ("executorch", "ExecuTorchEngine", "executorch"),
    "coreml": ("coreml", "CoreMLEngine", "coremltools"),
}


class Build(Protocol):
    """What a format's module converts with."""

    def __call__(self, source: Source, target: Target, path: Path) -> None:
        """Writes a network to `path`.

        Raises:
            ModelError: the network cannot be converted.
        """


class Backend:
    """A format's converter and its runtime."""

    def __init__(self, kind: Format) -> None:
        """Imports them.

        Raises:
            MissingDependencyError: a package is missing or cannot be loaded.
        """
        name, engine, package = _RUNTIMES[kind]
        with naming_extra(f"export to {RUNTIMES[kind].title}", RUNTIMES[kind].extra):
            module = importlib.import_module(f"splitsr.export.{name}")
        self.build: Build = module.build
        self._engine = getattr(module, engine)
        self.runs_here: bool = getattr(module, "RUNS_HERE", True)
        self.runtime = f"{package} {version(package)}"

    def engine(self, path: Path, spec: ModelSpec, target: Target, threads: int = 1) -> Engine:
        """An exported file in its runtime."""
        engine: Engine = self._engine(path, spec, target.layout, threads)
        return engine
