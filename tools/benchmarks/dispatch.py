"""Time saved and quality lost when a light and a heavy network share images.

    python -m tools.benchmarks.dispatch --set B100=../shared/data/test/B100/HR --set photos=large/ \
        --output results/dispatch.json --document docs/dispatch.md

For each set and number of threads, the heavy network alone, the light one alone and both at
several thresholds enlarge the same LR images, in turns; of the rounds the fastest counts, image by
image: what else runs on the machine only adds time. `shipped` is the threshold of the calibration
that ships, which saw none of B100.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any

import msgspec
import numpy as np

from splitsr.benchmark.timing import describe_machine
from splitsr.dispatch.engine import (
    Calibration,
    Dispatcher,
    load_dispatcher,
    shipped_calibrations,
)
from splitsr.evaluation.metrics import psnr_y
from splitsr.evaluation.score import ImagePair, find_images, read_pairs
from splitsr.imaging.arrays import from_nchw, to_nchw
from splitsr.runtime.engine import Engine
from splitsr.runtime.tile_runner import plan_for, run_tiled
from splitsr.runtime.upscaler import Upscaler
from tools.documents import fill_blocks

FACTORS = (0.8, 0.9, 1.0, 1.2)  # of the shipped threshold
Enlarge = Callable[[np.ndarray], np.ndarray]


def main() -> None:
    options = read_options()
    pair = shipped_calibrations()[options.model, options.light]
    sets = dict(entry.split("=", 1) for entry in options.sets)
    rows = [
        row
        for name, folder in sets.items()
        for threads in options.threads
        for row in measure(name, Path(folder), pair, threads, options.rounds)
    ]
    seams = {name: measure_seams(Path(folder), pair) for name, folder in sets.items()}
    report = {
        "machine": msgspec.to_builtins(describe_machine()),
        "heavy": pair.heavy,
        "light": pair.light,
        "calibration": msgspec.to_builtins(pair),
        "rounds": options.rounds,
        "images": {name: [s.name for s in find_images([Path(f)])] for name, f in sets.items()},
        "rows": rows,
        "seams": seams,
    }
    options.output.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    if options.document:
        text = options.document.read_text(encoding="utf-8")
        filled = fill_blocks(text, {"dispatch": render(report)}, str(options.document))
        options.document.write_text(filled, encoding="utf-8")


def render(report: dict[str, Any]) -> str:
    """The table of docs/dispatch.md."""
    heavy, light, machine = report["heavy"], report["light"], report["machine"]
    lines = [
        f"| {heavy} with {light} | threads | pixels by the light one | time saved | CPU saved "
        "| loss, dB | worst, dB |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for row in report["rows"]:
        if row["way"] == "heavy":
            continue
        alone = row["way"] == "light"
        name = f"{light} alone" if alone else f"threshold {row['threshold']:.2f}"
        name += " (ships)" if row["way"] == "shipped" else ""
        share = "100 %" if alone else f"{100 * row['light_share']:.0f} %"
        lines.append(
            f"| {row['set']}: {name} | {row['threads']} | {share} | {100 * row['saved']:.0f} % "
            f"| {100 * row['cpu_saved']:.0f} % | {row['loss']:.3f} | {row['worst_loss']:.2f} |"
        )
    seams = [
        f"{name}: {100 * found['changed_over_2']:.3f} % of the values differ by more than 2 levels "
        f"from those of images computed whole, at most by {found['max_levels']}; steps across "
        f"borders are {found['step_ratio']:.3f} times as high."
        for name, found in report["seams"].items()
    ]
    counts = ", ".join(f"{name} {len(images)}" for name, images in report["images"].items())
    where = f"Images: {counts}. {machine['cpu']}, {machine['cores']} cores, {machine['runtime']}."
    return "\n".join([*lines, "", where, "", "Seams. " + " ".join(seams)])


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--set", dest="sets", action="append", required=True, metavar="NAME=FOLDER")
    parser.add_argument("--model", default="splitsr-balanced-x4")
    parser.add_argument("--light", default="splitsr-fast-x4")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--document", type=Path, help="whose table is filled")
    return parser.parse_args()


def measure(
    name: str, folder: Path, pair: Calibration, threads: int, rounds: int
) -> list[dict[str, Any]]:
    """Rows of a set: one a way of enlarging it."""
    thresholds = [round(factor * pair.threshold, 4) for factor in FACTORS]
    shared = [
        load_dispatcher(msgspec.structs.replace(pair, threshold=value), threads)
        for value in thresholds
    ]
    ways: list[Enlarge] = [
        Upscaler(pair.heavy, threads=threads),
        Upscaler(pair.light, threads=threads),
        *(Upscaler(dispatcher) for dispatcher in shared),
    ]
    seconds: list[list[float]] = [[] for _ in ways]
    cpu: list[list[float]] = [[] for _ in ways]
    scores: list[list[float]] = [[] for _ in ways]
    shares: list[list[float]] = [[] for _ in ways]
    sources = find_images([folder])
    for done, image in enumerate(read_pairs(sources, shared[0].spec.scale)):
        timings = [[time_once(way, image) for way in ways] for _ in range(rounds)]
        for index in range(len(ways)):
            seconds[index].append(min(timing[index][0] for timing in timings))
            cpu[index].append(min(timing[index][1] for timing in timings))
            sr = timings[-1][index][2]
            scores[index].append(psnr_y(sr, image.hr, crop_border=shared[0].spec.scale))
        for index, dispatcher in enumerate(shared):
            shares[2 + index].append(dispatcher.route(to_nchw(image.lr)[0]).share)
        print(f"{name}, {threads} threads: {done + 1} of {len(sources)}", file=sys.stderr)
    return [
        {
            "set": name,
            "threads": threads,
            "way": way,
            "threshold": threshold,
            "light_share": round(fmean(share), 4) if share else None,
            "seconds": round(sum(found), 4),
            "saved": round(1 - sum(found) / sum(seconds[0]), 4),
            "cpu_seconds": round(sum(work), 4),
            "cpu_saved": round(1 - sum(work) / sum(cpu[0]), 4),
            "psnr_y": round(fmean(score), 4),
            "loss": round(fmean(scores[0]) - fmean(score), 4),
            "worst_loss": round(max(a - b for a, b in zip(scores[0], score, strict=True)), 4),
        }
        for way, threshold, share, found, work, score in zip(
            ["heavy", "light", *("shipped" if f == 1 else "both" for f in FACTORS)],
            [None, None, *thresholds],
            shares,
            seconds,
            cpu,
            scores,
            strict=True,
        )
    ]


def time_once(way: Enlarge, image: ImagePair) -> tuple[float, float, np.ndarray]:
    """Seconds that passed, and seconds of CPU: those do not grow where the machine is busy."""
    begun, worked = time.perf_counter(), time.process_time()
    sr = way(image.lr)
    return time.perf_counter() - begun, time.process_time() - worked, sr


def measure_seams(folder: Path, pair: Calibration) -> dict[str, float]:
    """How far windows differ from both networks' whole images, put together the same way."""
    dispatcher = load_dispatcher(pair)
    differences: list[np.ndarray] = []
    steps: list[float] = []
    for image in read_pairs(find_images([folder]), dispatcher.spec.scale):
        found, whole, borders = with_and_without_borders(dispatcher, image.lr)
        differences.append(np.abs(found.astype(int) - whole).ravel()[::7])
        if borders.any():
            steps.append(step(found)[borders].mean() / max(step(whole)[borders].mean(), 1e-9))
    levels = np.concatenate(differences)
    return {
        "max_levels": int(levels.max()),
        "p999_levels": float(np.percentile(levels, 99.9)),
        "changed_over_2": round(float((levels > 2).mean()), 6),
        "step_ratio": round(fmean(steps), 4) if steps else 1.0,
    }


def with_and_without_borders(
    dispatcher: Dispatcher, lr: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """An image by windows, from whole images, and where windows meet one above another."""
    nchw, scale = to_nchw(lr), dispatcher.spec.scale
    found = from_nchw(dispatcher.run(nchw), lr.dtype, 3)
    wholes = [run_whole(engine, lr) for engine in dispatcher.engines]
    whole = wholes[0].copy()
    borders = np.zeros((found.shape[0] - 1, found.shape[1]), bool)
    for window in dispatcher.route(nchw[0]).windows:
        rows, columns = (span.place(scale) for span in (window.rows, window.columns))
        whole[rows, columns] = wholes[window.light][rows, columns]
        if window.rows.core_start:
            borders[rows.start - 1, columns] = True
    return found, whole, borders


def run_whole(engine: Engine, lr: np.ndarray) -> np.ndarray:
    return run_tiled(engine, lr, plan_for(engine, *lr.shape[:2], "auto"))


def step(image: np.ndarray) -> np.ndarray:
    """How much each row differs from the next, (H - 1, W)."""
    return np.abs(np.diff(image.astype(np.float64).mean(axis=2), axis=0))


if __name__ == "__main__":
    main()
