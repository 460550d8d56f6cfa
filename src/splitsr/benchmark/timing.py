"""The stopwatch: how long a network takes on this machine, run as it ships."""

from __future__ import annotations

import platform
import random
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import msgspec
import numpy as np

from splitsr.runtime.engine import Engine
from splitsr.runtime.onnx_engine import available_cpus

_WARM_UP = 3
_LEAST_RUNS = 7
_MOST_RUNS = 60
_ROUNDS = 25  # of networks that are timed in turns
_SECONDS = 2.0  # of timing; a slow network gets its least number of runs


class Machine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where something was measured.

    Attributes:
        cpu: its model.
        cores: CPUs that were available to the process.
        system: operating system and architecture.
        runtime: name and version.
    """

    cpu: str
    cores: int
    system: str
    runtime: str


def time_engine(engine: Engine, height: int, width: int) -> list[float]:
    """Times a network on one image.

    Args:
        engine: the network.
        height: of the LR image, pixels.
        width: of the LR image, pixels.

    Returns:
        Seconds of each run.
    """
    lr = np.random.default_rng(0).random((1, 3, height, width), np.float32)
    run = partial(engine.run, lr)
    return take_turns([run], _MOST_RUNS, least=_LEAST_RUNS, seconds=_SECONDS)[0]


def time_engines(engines: Sequence[Engine], side: int, rounds: int = _ROUNDS) -> list[list[float]]:
    """Times networks on one square image, in turns.

    Args:
        engines: the networks; each has its threads already.
        side: of the LR image, pixels.
        rounds: runs of each.

    Returns:
        Seconds of each run, in the order of the engines.
    """
    lr = np.random.default_rng(0).random((1, 3, side, side), np.float32)
    return take_turns([partial(engine.run, lr) for engine in engines], rounds)


def take_turns(
    runs: Sequence[Callable[[], object]],
    rounds: int,
    *,
    least: int = 0,
    seconds: float = float("inf"),
    warm_up: int = _WARM_UP,
) -> list[list[float]]:
    """Times runs in turns, so that whatever else the machine does falls on all of them alike.

    Each round has an order of its own: on a busy machine, whose slices of time fall into step with
    the rounds, the same place in each would be the one that waits.

    Args:
        runs: what is timed.
        rounds: of one run each, at most.
        least: rounds that are made however long they take.
        seconds: after which no further round begins.
        warm_up: rounds that are made first and not timed.

    Returns:
        Seconds by round, a list for each of `runs`.
    """
    for run in [*runs] * warm_up:
        run()
    order = random.Random(0)
    times: list[list[float]] = [[] for _ in runs]
    end = time.perf_counter() + seconds
    for done in range(1, rounds + 1):
        for index in order.sample(range(len(runs)), len(runs)):
            start = time.perf_counter()
            runs[index]()
            times[index].append(time.perf_counter() - start)
        if done >= least and time.perf_counter() > end:
            break
    return times


def describe_machine() -> Machine:
    """This machine, without anything that names its owner."""
    import onnxruntime

    return Machine(
        cpu=_cpu_model(),
        cores=available_cpus(),
        system=f"{platform.system()} {platform.machine()}",
        runtime=f"ONNX Runtime {onnxruntime.__version__}",
    )


def _cpu_model(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's model; Python itself knows it on few systems."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()
