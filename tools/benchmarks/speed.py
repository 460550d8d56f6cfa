"""Networks on this machine: threads and precisions, and two lanes against one run.

    python -m tools.benchmarks.speed --out results/speed.json

Uses `run_bench`, as `splitsr bench` does, and for the lanes the same turns: a photo of many tiles
computed in two lanes, and tile after tile on all threads, with nothing else running and beside a
process that keeps one core busy. Let nothing else run.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from pathlib import Path
from statistics import median

import msgspec
import numpy as np

from splitsr.benchmark.speed import BenchReport, Contestant, run_bench
from splitsr.benchmark.timing import take_turns
from splitsr.errors import SplitSRError
from splitsr.networks import ModelSpec
from splitsr.runtime.engine import Engine, FloatArray
from splitsr.runtime.loading import load_engine
from splitsr.runtime.onnx_engine import available_cpus
from splitsr.runtime.tile_runner import plan_for, run_tiled
from splitsr.zoo.catalogue import find_model
from tools.benchmarks.settings import busy_core

BALANCED, FAST = "splitsr-balanced-x4", "splitsr-fast-x4"
SIZE, PHOTO = (128, 128), (600, 800)
ROUNDS = 30
LANE_ROUNDS = 3


class Undivided:
    """An engine that hides that it can be divided."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def spec(self) -> ModelSpec:
        return self._engine.spec

    @property
    def name(self) -> str:
        return self._engine.name

    def run(self, lr: FloatArray) -> FloatArray:
        return self._engine.run(lr)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    load, threads = os.getloadavg()[0], available_cpus()
    reports = [bench(name, count) for name in (BALANCED, FAST) for count in (threads, 1)]
    lanes = [lane_case(threads, busy=busy) for busy in (False, True)]
    found = {"load": round(load, 2), "reports": msgspec.to_builtins(reports), "lanes": lanes}
    text = msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n"
    if arguments.out:
        arguments.out.write_text(text)
    else:
        print(text)


def bench(name: str, threads: int) -> BenchReport:
    field = []
    for precision in ("fp32", "int8", "bf16"):
        try:
            field.append(contestant(name, precision, threads))
        except SplitSRError as error:  # no bfloat16 here, or no int8 form
            print(f"{name} {precision}: left out: {error}", file=sys.stderr)
    report = run_bench(field, *SIZE, against=field[0], rounds=ROUNDS)
    for row in report.rows:
        print(msgspec.json.encode(row).decode(), file=sys.stderr, flush=True)
    return report


def contestant(name: str, precision: str, threads: int) -> Contestant:
    engine = load_engine(name, threads, precision)
    return Contestant(name, name, precision, engine, threads, find_model(name).multi_adds_720p)


def lane_case(threads: int, *, busy: bool) -> dict[str, object]:
    divided = load_engine(BALANCED, threads)
    whole = Undivided(divided)
    picture = np.random.default_rng(0).integers(0, 256, (*PHOTO, 3), np.uint8)
    # The tiles that each would be given: one window with all of the memory, or two that share it.
    plans = [(engine, plan_for(engine, *PHOTO, "auto")) for engine in (divided, whole)]
    runs = [lambda e=engine, p=plan: run_tiled(e, picture, p) for engine, plan in plans]
    with busy_core() if busy else contextlib.nullcontext():
        seconds = take_turns(runs, LANE_ROUNDS, warm_up=1)
    ratios = np.divide(seconds[1], seconds[0])
    return {
        "model": BALANCED,
        "size": PHOTO,
        "threads": threads,
        "busy_core": busy,
        "two_lanes_seconds": round(median(seconds[0]), 3),
        "one_run_seconds": round(median(seconds[1]), 3),
        "speedup": round(float(np.median(ratios)), 3),
        "low": round(float(ratios.min()), 3),
        "high": round(float(ratios.max()), 3),
    }


if __name__ == "__main__":
    main()
