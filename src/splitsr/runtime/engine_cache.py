"""The networks that an upscaler may use, by scale, each loaded when it is first needed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path
from threading import Lock

from splitsr.runtime.engine import Engine
from splitsr.zoo.catalogue import (
    Catalogue,
    ModelEntry,
    find_family,
    find_model,
    find_twin,
    is_model_path,
    no_twin,
    shipped_catalogue,
)
from splitsr.zoo.mixing import read_mixed

_MOST_MIXED = 3
"""Networks mixed with their twins that are kept: each takes the memory of one tile's work."""


class Networks:
    """Networks by scale. Safe to use from several threads."""

    def __init__(
        self,
        loaders: Mapping[int, Callable[[float], Engine]],
        twins: Mapping[int, str] | None = None,
        int8: Collection[int] = (),
    ) -> None:
        """Takes what loads the networks.

        Args:
            loaders: by scale, a function that loads the network for a strength of restoration.
            twins: names of those models that have a twin, by scale.
            int8: scales of those in int8, which are not mixed with a twin.
        """
        self._loaders = dict(loaders)
        self.twins = dict(twins or {})
        self.int8 = frozenset(int8)
        self._engines: OrderedDict[tuple[int, float], Engine] = OrderedDict()
        self._lock = Lock()

    @property
    def scales(self) -> tuple[int, ...]:
        """The scales there are, the smallest first."""
        return tuple(sorted(self._loaders))

    def nearest_strength(self, scale: int, strength: float) -> float:
        """The strength that a network is there for: in int8 of 0 and, with a twin, 1."""
        if scale not in self.int8:
            return strength
        return float(strength >= 0.5 and scale in self.twins)

    def engine(self, scale: int, strength: float = 0.0) -> Engine:
        """The network for one of `scales`, ready to run.

        Args:
            scale: of the network.
            strength: the share of its twin's weights, 0 to 1, or what is nearest to it. Those that
                were used last are kept.

        Raises:
            WeightsError: its file, or its twin's, is missing or damaged.
            UnknownModelError: it has no twin, and the strength is above 0.
        """
        strength = self.nearest_strength(scale, strength)
        key = (scale, strength)
        with self._lock:
            if key not in self._engines:
                self._engines[key] = self._loaders[scale](strength)
            self._engines.move_to_end(key)
            mixed = [other for other in self._engines if other[1]]
            for oldest in mixed[:-_MOST_MIXED]:
                del self._engines[oldest]
            return self._engines[key]


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
        return Networks({model.spec.scale: partial(_take, model)})
    models = shipped_catalogue() if catalogue is None else catalogue
    family = {} if is_model_path(model) else find_family(str(model), models)
    if not family:
        entry = find_model(model, models)
        family = {entry.spec.scale: entry}
    return Networks(
        {scale: partial(_load, entry, threads, models) for scale, entry in family.items()},
        {scale: entry.name for scale, entry in family.items() if find_twin(entry, models)},
        [scale for scale, entry in family.items() if entry.precision == "int8"],
    )


def _take(engine: Engine, strength: float) -> Engine:
    if strength:
        raise no_twin(engine.name)
    return engine


def _load(entry: ModelEntry, threads: int | None, catalogue: Catalogue, strength: float) -> Engine:
    from splitsr.runtime.onnx_engine import OnnxEngine

    return OnnxEngine(read_mixed(entry, strength, catalogue), threads, name=entry.name)
