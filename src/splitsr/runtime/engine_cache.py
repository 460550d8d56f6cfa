"""The networks that an upscaler may use, by scale, each loaded when it is first needed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from threading import Lock

from splitsr.runtime.engine import Engine

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
