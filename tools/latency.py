"""How long a model takes in every setting that its card shows."""

from __future__ import annotations

from collections.abc import Sequence

from splitsr.benchmark.timing import Latency, time_engine
from splitsr.runtime.onnx_engine import OnnxEngine

SIDES = (128, 512)
THREADS = (2, 1)


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
        found += [time_engine(engine, side, side, count) for side in sides]
    return tuple(found)
