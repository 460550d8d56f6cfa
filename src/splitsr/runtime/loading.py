"""Networks of the catalogue or of files, ready to run in any precision."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Literal, get_args

from splitsr.errors import UnknownModelError
from splitsr.runtime.engine import Engine
from splitsr.runtime.engine_cache import Networks
from splitsr.zoo.catalogue import (
    DEFAULT_FAMILY,
    Catalogue,
    ModelEntry,
    find_family,
    find_model,
    find_twin,
    is_model_path,
    no_twin,
    shipped_catalogue,
    variant_name,
)
from splitsr.zoo.mixing import read_mixed

Precision = Literal["fp32", "int8", "bf16"]
PRECISIONS: tuple[str, ...] = get_args(Precision)


def find_networks(
    model: str | Path | Engine | Networks,
    threads: int | None = None,
    catalogue: Catalogue | None = None,
    precision: str = "fp32",
) -> Networks:
    """Finds networks; loads none yet.

    Args:
        model: a model's name, for this one network; a family's (`splitsr-balanced`), for its
            networks of every scale; the path of an ONNX file; an engine; or networks that were
            found before.
        threads: for each network; by default one for each available CPU.
        catalogue: where names are looked up; by default what ships.
        precision: `fp32` is the file as it is, run by ONNX Runtime; `int8` the model's form of
            that name, if it ships in one; `bf16` the file run by OpenVINO.

    Raises:
        UnknownModelError: no such name, or no such form; the message names the closest ones.
        WeightsError: a file that is missing, damaged or not from splitsr.
        ValueError: another precision.
    """
    if isinstance(model, Networks):
        return model
    if not isinstance(model, str | Path):
        return Networks({model.spec.scale: partial(_take, model)})
    models = shipped_catalogue() if catalogue is None else catalogue
    entries = _find_entries(model, precision, models)
    return Networks(
        {
            scale: partial(_load, entry, threads, precision, models)
            for scale, entry in entries.items()
        },
        {scale: entry.name for scale, entry in entries.items() if find_twin(entry, models)},
        [scale for scale, entry in entries.items() if entry.precision == "int8"],
    )


def find_entry(
    model: str | Path, precision: str = "fp32", catalogue: Catalogue | None = None
) -> ModelEntry:
    """What is known of a model; of a family, such as `splitsr-balanced`, of the largest scale.

    Arguments and errors are those of `find_networks`.
    """
    entries = _find_entries(model, precision, catalogue)
    return entries[max(entries)]


def load_engine(
    model: str | Path = DEFAULT_FAMILY, threads: int | None = None, precision: str = "fp32"
) -> Engine:
    """Loads a network; of a family, that of the largest scale.

    Arguments and errors are those of `find_networks`.

    Raises:
        MissingDependencyError: the precision needs a package that is not installed.
    """
    networks = find_networks(model, threads, precision=precision)
    return networks.engine(networks.scales[-1])


def _find_entries(
    model: str | Path, precision: str, catalogue: Catalogue | None
) -> dict[int, ModelEntry]:
    """Models by scale: those of a family, or the one that is named."""
    if precision not in PRECISIONS:
        raise ValueError(f"precision: found {precision!r}; must be one of {', '.join(PRECISIONS)}")
    if is_model_path(model):
        entry = find_model(model, catalogue)
        if precision == "int8" != entry.precision:
            raise UnknownModelError(
                f"{model}: precision int8 does not apply to model files; name an int8 file"
            )
        return {entry.spec.scale: entry}
    name = str(model).removesuffix(f"-{precision}")
    if precision == "int8":
        name = variant_name(name, precision)
    family = find_family(name, catalogue)
    if family:
        return family
    entry = find_model(name, catalogue)
    return {entry.spec.scale: entry}


def _take(engine: Engine, strength: float) -> Engine:
    if strength:
        raise no_twin(engine.name)
    return engine


def _load(
    entry: ModelEntry, threads: int | None, precision: str, catalogue: Catalogue, strength: float
) -> Engine:
    content = read_mixed(entry, strength, catalogue)
    if precision == "bf16":
        from splitsr.runtime.openvino_engine import OpenVinoEngine

        return OpenVinoEngine(content, threads, name=entry.name)
    from splitsr.runtime.onnx_engine import OnnxEngine

    return OnnxEngine(content, threads, name=entry.name)
