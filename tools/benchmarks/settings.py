"""Settings of the runtime compared with others: the threads', and the size of tiles.

    python -m tools.benchmarks.settings --out results/settings.json

Threads: a run of 128x128 on all threads as `session_options` has them, with threads that sleep at
once or stay awake when they have no work, and with work handed out in equal blocks; with nothing
else running, and beside a process that keeps one core busy. Tiles: a photo in windows that take
more or less of the memory, from what the caches hold to what `auto` takes. All take turns, in an
order of its own each round. Let nothing else run.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import msgspec
import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from splitsr.benchmark.timing import describe_machine, take_turns
from splitsr.runtime.engine import Engine, lanes_of
from splitsr.runtime.loading import load_engine
from splitsr.runtime.onnx_engine import available_cpus, session_options
from splitsr.runtime.tile_plan import AUTO_TILE_BYTES, Tile, auto_tiles
from splitsr.runtime.tile_runner import run_tiled
from splitsr.zoo.catalogue import find_model
from tools.speed_tables import SettingsFile, ThreadCase, TileCase

MODEL = "splitsr-balanced-x4"
ROUNDS, TILE_ROUNDS = 25, 5
SIDE = 128
PHOTO = (480, 720)
SHARES = (1, 2, 4, 8, 16)
SPINNING, BLOCKS = "session.intra_op.allow_spinning", "session.dynamic_block_base"
# ONNX Runtime's own limit is a count of turns, which is about as long.
ON_AND_ON = {SPINNING: "1", "session.intra_op.spin_duration_us": "50000"}
THREADS = {
    "as shipped": {},
    "asleep at once": {SPINNING: "0"},
    "awake on and on": ON_AND_ON,
    "equal blocks": {BLOCKS: "0"},
    "awake on and on, equal blocks": {**ON_AND_ON, BLOCKS: "0"},
}

Runs = dict[str, Callable[[], object]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    threads = available_cpus()
    found = SettingsFile(
        machine=describe_machine(),
        model=MODEL,
        threads=threads,
        side=SIDE,
        photo=PHOTO,
        thread_cases=tuple(case for busy in (False, True) for case in thread_cases(threads, busy)),
        tile_cases=tuple(tile_cases(threads)),
    )
    text = msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n"
    if arguments.out:
        arguments.out.write_text(text)
    else:
        print(text)


def thread_cases(threads: int, busy: bool) -> list[ThreadCase]:
    lr = np.random.default_rng(0).random((1, 3, SIDE, SIDE), np.float32)
    runs: Runs = {name: session_run(entries, threads, lr) for name, entries in THREADS.items()}
    with busy_core() if busy else contextlib.nullcontext():
        seconds = time_runs(runs, ROUNDS)
    base = next(iter(seconds.values()))
    return [
        ThreadCase(
            setting=name,
            busy_core=busy,
            milliseconds=round(1e3 * median(its), 2),
            speed=round(float(np.median(np.divide(base, its))), 3),
        )
        for name, its in seconds.items()
    ]


def session_run(
    entries: dict[str, str], threads: int, lr: npt.NDArray[np.float32]
) -> Callable[[], object]:
    # Threads that stay awake after their run would take the CPU from the next session's.
    options = session_options(threads, {"session.force_spinning_stop": "1", **entries})
    content = find_model(MODEL).read()
    session = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return lambda: session.run(["sr"], {"lr": lr})


def tile_cases(threads: int) -> list[TileCase]:
    engine = load_engine(MODEL, threads)
    picture = np.random.default_rng(0).integers(0, 256, (*PHOTO, 3), np.uint8)
    plans = {share: tile_plan(engine, share) for share in SHARES}
    runs: Runs = {
        str(share): lambda p=plan: run_tiled(engine, picture, p) for share, plan in plans.items()
    }
    seconds = time_runs(runs, TILE_ROUNDS)
    base = seconds[str(SHARES[0])]
    return [
        TileCase(
            mebibytes=AUTO_TILE_BYTES // share // 2**20,
            window=(plan[0].rows.length, plan[0].columns.length),
            tiles=len(plan),
            computed=round(sum(tile.window_pixels for tile in plan) / (PHOTO[0] * PHOTO[1]), 3),
            seconds=round(median(seconds[str(share)]), 3),
            speed=round(float(np.median(np.divide(base, seconds[str(share)]))), 3),
        )
        for share, plan in plans.items()
    ]


def tile_plan(engine: Engine, share: int) -> tuple[Tile, ...]:
    memory = AUTO_TILE_BYTES // share
    return auto_tiles(engine.spec, *PHOTO, lanes_of(engine), engine_memory=memory)


@contextlib.contextmanager
def busy_core() -> Iterator[None]:
    other = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        other.kill()
        other.wait()


def time_runs(runs: Runs, rounds: int) -> dict[str, list[float]]:
    return dict(zip(runs, take_turns(list(runs.values()), rounds, warm_up=1), strict=True))


if __name__ == "__main__":
    main()
