"""Super-resolution that runs on the device: the SplitSR system.

    from splitsr import Upscaler, upscale

    upscale("photo.jpg", "photo_x4.png")
    larger = Upscaler("splitsr-balanced-x4")(image)  # a Pillow image or a NumPy array

What is named here is imported when it is first used, so that importing the package is instant.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from splitsr.errors import (
        ClusterError,
        ConfigError,
        DataError,
        ImageError,
        ImageReadError,
        ImageTooLargeError,
        ImageWriteError,
        MissingDependencyError,
        ModelError,
        NonFiniteError,
        SpecError,
        SplitSRError,
        TrainingError,
        UnknownModelError,
        UnsupportedImageError,
        WeightsError,
        ZoomError,
    )
    from splitsr.networks import ModelSpec
    from splitsr.runtime.upscale_file import upscale
    from splitsr.runtime.upscaler import Progress, Upscaler
    from splitsr.zoo.catalogue import ModelEntry, list_models

# Nothing is reported to anyone. ONNX Runtime would send its makers what runs on which machine, and
# keep it in the user's cache, if this were not set before it is loaded.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = "0.1.0"

__all__ = [
    "ClusterError",
    "ConfigError",
    "DataError",
    "ImageError",
    "ImageReadError",
    "ImageTooLargeError",
    "ImageWriteError",
    "MissingDependencyError",
    "ModelEntry",
    "ModelError",
    "ModelSpec",
    "NonFiniteError",
    "Progress",
    "SpecError",
    "SplitSRError",
    "TrainingError",
    "UnknownModelError",
    "UnsupportedImageError",
    "Upscaler",
    "WeightsError",
    "ZoomError",
    "list_models",
    "upscale",
]

_ELSEWHERE = {
    "ModelEntry": "splitsr.zoo.catalogue",
    "ModelSpec": "splitsr.networks",
    "Progress": "splitsr.runtime.upscaler",
    "Upscaler": "splitsr.runtime.upscaler",
    "list_models": "splitsr.zoo.catalogue",
    "upscale": "splitsr.runtime.upscale_file",
}


def __getattr__(name: str) -> object:
    """Imports a public name when it is first used (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_ELSEWHERE.get(name, "splitsr.errors")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
