"""Networks timed against each other and against the CPU's peak, in one interleaved run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import msgspec
import numpy as np

from splitsr.benchmark.memory import peak_rss_of
from splitsr.benchmark.peak_flops import PeakProbe
from splitsr.benchmark.timing import Machine, describe_machine, take_turns
from splitsr.networks.base import OUTPUT_PIXELS_720P
from splitsr.runtime.engine import Engine
from splitsr.runtime.tile_runner import plan_for, run_tiled

ROUNDS = 15
_SECONDS = 20.0  # after which no further round begins, once there were `_LEAST_ROUNDS`
_LEAST_ROUNDS = 5

_MEASURED = """
import sys
from splitsr.benchmark.speed import run_once
run_once(*sys.argv[1:])
"""


@dataclass(frozen=True)
class Contestant:
    """A network that is timed.

    Attributes:
        name: the model's.
        source: what `load_engine` takes, a name or a file.
        precision: `fp32`, `bf16` or `int8`.
        engine: the network, ready to run.
        threads: of the engine.
        multi_adds_720p: multiply-adds for a 1280x720 output; None where unknown.
    """

    name: str
    source: str
    precision: str
    engine: Engine
    threads: int
    multi_adds_720p: int | None


class BenchRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one network did.

    Attributes:
        model: its name.
        size: height and width of the LR image.
        threads: that computed it.
        precision: of the arithmetic.
        ms_median: milliseconds of a run, median.
        ms_p95: milliseconds that 95 % of the runs stayed below.
        mp_per_s: output megapixels a second, at the median.
        gflops: 1e9 additions and multiplications a second, at the median, of the convolutions of
            the network as it is described: what tiles compute twice does not count.
        peak_share: `gflops` over the float32 peak of the same minutes, 0 to 1; other precisions
            may be above 1.
        peak_rss_mb: peak resident memory of a process that does this and nothing else, MiB.
        rounds: runs that were timed, after a warm-up.
    """

    model: str
    size: tuple[int, int]
    threads: int
    precision: str
    ms_median: float
    ms_p95: float
    mp_per_s: float
    gflops: float | None
    peak_share: float | None
    peak_rss_mb: float | None
    rounds: int


class Ratio(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How much faster one network is than another, from the pairs of runs of each round.

    Attributes:
        model: the network.
        precision: its.
        against: the other network.
        against_precision: its.
        speedup: the other's time over this one's, median over the rounds; above 1 is faster.
        low: a quarter of the rounds stayed below.
        high: a quarter of the rounds stayed above.
    """

    model: str
    precision: str
    against: str
    against_precision: str
    speedup: float
    low: float
    high: float


class BenchReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All that a bench run found.

    Attributes:
        machine: where.
        peak_gflops: float32 peak of the threads, by `PeakProbe`, median of the same rounds.
        rows: one a network.
        ratios: of each network to the one it was compared with.
    """

    machine: Machine
    peak_gflops: float
    rows: tuple[BenchRow, ...]
    ratios: tuple[Ratio, ...]


def run_bench(
    contestants: Sequence[Contestant],
    height: int,
    width: int,
    *,
    against: Contestant | None = None,
    rounds: int = ROUNDS,
) -> BenchReport:
    """Times networks, in turns: each round runs every network once and the peak's probe.

    Whatever else the machine does then falls on all of them alike, and ratios are taken within
    each round.

    Args:
        contestants: the networks, all with equally many threads.
        height: rows of the LR image.
        width: columns of it.
        against: the network that the others are compared with; timed too.
        rounds: at most; at least 5 and about 20 seconds of them are made.
    """
    field = [*contestants, *([against] if against and against not in contestants else [])]
    probe = PeakProbe(field[0].threads)
    runs = [workload(one.engine, height, width) for one in field]
    *seconds, peaks = take_turns([*runs, probe.run], rounds, least=_LEAST_ROUNDS, seconds=_SECONDS)
    probe.close()
    peak = probe.flops / median(peaks) / 1e9
    times = dict(zip(map(id, field), seconds, strict=True))
    return BenchReport(
        machine=describe_machine(),
        peak_gflops=round(peak, 1),
        rows=tuple(_row(one, (height, width), times[id(one)], peak) for one in field),
        ratios=tuple(
            _ratio(one, against, times[id(one)], times[id(against)])
            for one in field
            if against is not None and one is not against
        ),
    )


def workload(engine: Engine, height: int, width: int) -> Callable[[], object]:
    """One run over an image of a size.

    An image of one tile is one run of the network, floats in and out, as `time_engine` times
    it. A larger one is run as `splitsr upscale` does, in tiles, from integers to integers.
    """
    tiles = plan_for(engine, height, width, "auto")
    generator = np.random.default_rng(0)
    if len(tiles) == 1:
        lr = generator.random((1, 3, height, width), np.float32)
        return lambda: engine.run(lr)
    picture = generator.integers(0, 256, (height, width, 3), np.uint8)
    return lambda: run_tiled(engine, picture, tiles)


def run_once(source: str, precision: str, threads: str, height: str, width: str) -> None:
    """Does one run and nothing else; for a process whose memory is measured."""
    from splitsr.runtime.loading import load_engine

    workload(load_engine(source, int(threads), precision), int(height), int(width))()


def flops_of(multi_adds_720p: int, scale: int, height: int, width: int) -> float:
    """Additions and multiplications of the convolutions over an image."""
    return 2.0 * multi_adds_720p * height * width * scale**2 / OUTPUT_PIXELS_720P


def _row(one: Contestant, size: tuple[int, int], seconds: list[float], peak: float) -> BenchRow:
    scale, middle = one.engine.spec.scale, median(seconds)
    gflops = None
    if one.multi_adds_720p is not None:
        gflops = flops_of(one.multi_adds_720p, scale, *size) / middle / 1e9
    arguments = [one.source, one.precision, str(one.threads), *map(str, size)]
    memory = peak_rss_of(_MEASURED, arguments)
    return BenchRow(
        model=one.name,
        size=size,
        threads=one.threads,
        precision=one.precision,
        ms_median=round(1e3 * middle, 2),
        ms_p95=round(1e3 * float(np.quantile(seconds, 0.95)), 2),
        mp_per_s=round(size[0] * size[1] * scale**2 / middle / 1e6, 3),
        gflops=None if gflops is None else round(gflops, 1),
        peak_share=None if gflops is None else round(gflops / peak, 3),
        peak_rss_mb=None if memory is None else round(memory, 1),
        rounds=len(seconds),
    )


def _ratio(one: Contestant, other: Contestant, mine: list[float], its: list[float]) -> Ratio:
    low, middle, high = np.quantile(np.divide(its, mine), [0.25, 0.5, 0.75])
    return Ratio(
        model=one.name,
        precision=one.precision,
        against=other.name,
        against_precision=other.precision,
        speedup=round(float(middle), 3),
        low=round(float(low), 3),
        high=round(float(high), 3),
    )
