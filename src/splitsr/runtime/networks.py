"""The networks that an upscaler may use, by scale, each loaded when it is first needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from threading import Lock

from splitsr.runtime.engine import Engine
from splitsr.zoo.catalogue import (
    Catalogue,
    ModelEntry,
    find_family,
    find_model,
    is_model_path,
    shipped_catalogue,
)


class Networks:
    """Networks by scale. Safe to use from several threads."""

    def __init__(self, loaders: Mapping[int, Callable[[], Engine]]) -> None:
        """Takes a function for each scale that loads the network; it is called once at most."""
        self._loaders = dict(loaders)
        self._engines: dict[int, Engine] = {}
        self._lock = Lock()

    @property
    def scales(self) -> tuple[int, ...]:
        """The scales there are, the smallest first."""
        return tuple(sorted(self._loaders))

    def engine(self, scale: int) -> Engine:
        """The network for one of `scales`, ready to run.

        Raises:
            WeightsError: its file is missing or damaged.
        """
        with self._lock:
            if scale not in self._engines:
                self._engines[scale] = self._loaders[scale]()
            return self._engines[scale]


def find_networks(
    model: str | Path | Engine | Networks,
    threads: int | None = None,
    catalogue: Catalogue | None = None,
) -> Networks:
    """Finds networks; loads none yet.

    Args:
        model: a model's name, for this one network; a family's (`splitsr-balanced`), for its
            networks of every scale; the path of an ONNX file; an engine; or networks that were
            found before.
        threads: for each network; by default one for each available CPU.
        catalogue: where names are looked up; by default what ships.

    Raises:
        UnknownModelError: no such name; the message names the closest ones.
        WeightsError: a file that is missing, damaged or not from splitsr.
    """
    if isinstance(model, Networks):
        return model
    if not isinstance(model, str | Path):
        return Networks({model.spec.scale: lambda: model})
    models = shipped_catalogue() if catalogue is None else catalogue
    family = {} if is_model_path(model) else find_family(str(model), models)
    if not family:
        entry = find_model(model, models)
        family = {entry.spec.scale: entry}
    return Networks({scale: partial(_load, entry, threads) for scale, entry in family.items()})


def _load(entry: ModelEntry, threads: int | None) -> Engine:
    from splitsr.runtime.onnx_engine import OnnxEngine

    return OnnxEngine(entry.read(), threads, name=entry.name)
