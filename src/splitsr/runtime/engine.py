"""What the runtime asks of a network, whatever computes it."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from splitsr.networks import ModelSpec

FloatArray = npt.NDArray[np.float32]


class Engine(Protocol):
    """A network that is ready to run. Safe to call from several threads at once."""

    @property
    def spec(self) -> ModelSpec:
        """The network's description."""

    @property
    def name(self) -> str:
        """What to call the network in messages and reports."""

    def run(self, lr: FloatArray) -> FloatArray:
        """Runs the network once.

        Args:
            lr: (N, 3, H, W) float32, RGB in [0, 1].

        Returns:
            (N, 3, scale * H, scale * W) float32, RGB, not clamped.

        Raises:
            ValueError: another shape or dtype.
            ModelError: the runtime failed, as it does when memory is short.
        """


def check_input(lr: FloatArray) -> None:
    """Refuses what no engine takes.

    Raises:
        ValueError: it is not float32 (N, 3, H, W), or empty.
    """
    if lr.ndim != 4 or lr.shape[1] != 3 or 0 in lr.shape or lr.dtype != np.float32:
        raise ValueError(
            f"lr: found {lr.dtype} {lr.shape}; must be float32 (N, 3, H, W), not empty"
        )


@runtime_checkable
class DividedEngine(Engine, Protocol):
    """An engine that computes faster as several smaller ones side by side.

    One run on all threads leaves threads waiting for each other at the end of every layer. Two
    runs at once, each on half of the threads, fill each other's gaps.
    """

    @property
    def lanes(self) -> int:
        """How many runs to make at once."""

    def lane(self) -> Engine:
        """The network for such runs, each on its share of the threads."""


def lanes_of(engine: Engine) -> int:
    """How many runs of an engine to make at once; 1 for one that cannot be divided."""
    return engine.lanes if isinstance(engine, DividedEngine) else 1


def lane_of(engine: Engine) -> Engine:
    """What makes one of those runs: a lane, or the engine itself if it cannot be divided."""
    return engine.lane() if isinstance(engine, DividedEngine) else engine
