"""How long a model takes in every setting that its card shows."""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import median

import msgspec

from splitsr.benchmark.timing import time_engine
from splitsr.runtime.onnx_engine import OnnxEngine

SIDES = (128, 512)
THREADS = (2, 1)
QUIET = 0.9
"""Least share of a CPU that a process has on a machine where nothing else runs."""


class Latency(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How long one run takes.

    Attributes:
        height: of the LR image, pixels.
        width: of the LR image, pixels.
        threads: that computed it.
        milliseconds: median of the runs.
        runs: how many were timed, after a warm-up.
        cpu_share: of the CPUs of its threads, what the process had, 0 to 1. Below `QUIET` with one
            thread, something else was running and the time is too long; with several, threads
            also wait for each other.
    """

    height: int
    width: int
    threads: int
    milliseconds: float
    runs: int
    cpu_share: float

    @property
    def disturbed(self) -> bool:
        """Whether something else took the CPU. Only seen with one thread."""
        return self.threads == 1 and self.cpu_share < QUIET


def measure_latency(
    model: bytes, *, sides: Sequence[int] = SIDES, threads: Sequence[int] = THREADS
) -> tuple[Latency, ...]:
    """Times a network on square images, one session at a time.

    Args:
        model: content of the ONNX file.
        sides: of the LR images, pixels.
        threads: numbers of threads to time with.
    """
    found: list[Latency] = []
    for count in threads:
        engine = OnnxEngine(model, count)
        found += [_measure(engine, side, count) for side in sides]
    return tuple(found)


def _measure(engine: OnnxEngine, side: int, threads: int) -> Latency:
    begun, worked = time.perf_counter(), time.process_time()
    seconds = time_engine(engine, side, side)
    passed, worked = time.perf_counter() - begun, time.process_time() - worked
    return Latency(
        height=side,
        width=side,
        threads=threads,
        milliseconds=round(1e3 * median(seconds), 2),
        runs=len(seconds),
        cpu_share=round(min(1.0, worked / (threads * passed)), 3),
    )
