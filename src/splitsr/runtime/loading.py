"""One network of the catalogue or of a file, ready to run in a precision."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

from splitsr.errors import UnknownModelError
from splitsr.runtime.engine import Engine
from splitsr.zoo.catalogue import (
    DEFAULT_FAMILY,
    Catalogue,
    ModelEntry,
    find_family,
    find_model,
    is_model_path,
    variant_name,
)

Precision = Literal["fp32", "int8", "bf16"]
PRECISIONS: tuple[str, ...] = get_args(Precision)


def find_entry(name_or_path: str | Path, catalogue: Catalogue | None = None) -> ModelEntry:
    """Finds a model; of a family, such as `splitsr-balanced`, the one of the largest scale.

    Raises:
        UnknownModelError: no such name.
        WeightsError: a file that is missing, damaged or not from splitsr.
    """
    family = find_family(str(name_or_path), catalogue)
    return family[max(family)] if family else find_model(name_or_path, catalogue)


def find_form(
    name_or_path: str | Path, precision: str, catalogue: Catalogue | None = None
) -> ModelEntry:
    """Finds what a model's arithmetic in a precision is computed from, as `find_entry` does.

    Args:
        name_or_path: as there. An int8 form is itself in whatever precision it is asked for.
        precision: `int8` is a file of its own; the others share one.
        catalogue: where to look; by default what ships.

    Raises:
        UnknownModelError: no such name, or no int8 form; a file has none.
        WeightsError: a file that is missing, damaged or not from splitsr.
    """
    entry = find_entry(name_or_path, catalogue)
    if precision != "int8" or entry.precision == "int8":
        return entry
    if is_model_path(name_or_path):
        raise UnknownModelError(f"{name_or_path}: a file has one precision; name an int8 file")
    return find_model(variant_name(entry.name, precision), catalogue)


def load_engine(
    model: str | Path | ModelEntry = DEFAULT_FAMILY,
    threads: int | None = None,
    precision: str = "fp32",
) -> Engine:
    """Loads a network.

    Args:
        model: as for `find_entry`, or what that found.
        threads: that compute one run; by default one for each available CPU.
        precision: `fp32` is the file as it is, run by ONNX Runtime; `int8` the model's form of
            that name, if it ships in one; `bf16` the file run by OpenVINO.

    Raises:
        UnknownModelError: no such name, or no such form.
        WeightsError: a file that is missing, damaged or not from splitsr.
        ValueError: another precision.
        MissingDependencyError: the precision needs a package that is not installed.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision: found {precision!r}; must be one of {', '.join(PRECISIONS)}")
    entry = model if isinstance(model, ModelEntry) else find_form(model, precision)
    if precision == "bf16":
        from splitsr.runtime.openvino_engine import OpenVinoEngine

        return OpenVinoEngine(entry.read(), threads, name=entry.name)
    from splitsr.runtime.onnx_engine import OnnxEngine

    return OnnxEngine(entry.read(), threads, name=entry.name)
