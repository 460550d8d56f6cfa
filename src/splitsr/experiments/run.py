"""Runs a study: trains what is not trained yet, measures, writes results after every cell.

OUT/cells/<fingerprint>.json   one network with one seed; studies share them
OUT/runs/<fingerprint>/        its training run, to resume from and to export
OUT/<study>.json, .csv, .md    all of a study
OUT/<study>.png                PSNR-Y against parameters, multi-adds and latency
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import msgspec
import torch

from splitsr.benchmark.flops import measure_cost
from splitsr.benchmark.timing import Machine, describe_machine, time_engines
from splitsr.data.pack import Pack
from splitsr.errors import TrainingError
from splitsr.experiments.grid import Cell, Study, fingerprint
from splitsr.experiments.grid_results import SIDE, CellResult, Row, StudyResult, to_csv
from splitsr.experiments.grid_results import to_markdown as study_to_markdown
from splitsr.experiments.plots import draw_study
from splitsr.experiments.result_files import read_json, to_json
from splitsr.export.random_weights import untrained_engine
from splitsr.imaging.atomic import write_atomic
from splitsr.networks.checkpoint import load_weights
from splitsr.training.config import TrainConfig
from splitsr.training.log import Record, read_log
from splitsr.training.loop import train
from splitsr.training.state import STATE_FILE
from splitsr.training.validation import Validator, held_out

HELD_OUT = "held out"

Report = Callable[[str, int, int, Record | None], None]
"""Called with a cell's label, how many runs are done, how many there are, and what it reports."""


@dataclass(frozen=True)
class _Timing:
    """How long each cell of a study takes: median milliseconds, in the study's order."""

    milliseconds: tuple[float, ...]
    machine: Machine
    threads: int


def run_study(
    study: Study,
    pack: Pack,
    out: Path,
    *,
    sets: Mapping[str, Path] | None = None,
    seeds: tuple[int, ...] | None = None,
    threads: int = 1,
    latency: bool = True,
    report: Report = lambda *_: None,
) -> StudyResult:
    """Trains and measures all cells of a study that are not done yet.

    Seeds are the outer loop: every network is done once before one is done twice. An interrupt
    leaves a state to resume from, and the results of what is done.

    Args:
        study: the networks.
        pack: HR training images.
        out: gets the results; see above. Finished cells in it are not trained again.
        sets: folders of HR images to measure on, beside the pack's held-out ones.
        seeds: only these of the study's.
        threads: of the latency.
        latency: measure it, once all is trained.
        report: called as the work goes on.

    Raises:
        TrainingError: a seed that the study has not, a run that cannot go on, or a finished cell
            that was trained on other images.
        DataError: a test set or a result cannot be read.
    """
    (out / "cells").mkdir(parents=True, exist_ok=True)
    runs = [(cell, seed) for seed in _chosen(study, seeds) for cell in study.cells]
    for done, (cell, seed) in enumerate(runs):
        config, where = cell.seeded(seed), _cell_file(out, fingerprint(cell.seeded(seed)))
        report(cell.label, done, len(runs), None)
        if where.exists():
            _require_same_images(where, config, pack)
        else:

            def on_record(record: Record, label: str = cell.label, done: int = done) -> None:
                report(label, done, len(runs), record)

            result = _train(config, pack, out, sets or {}, on_record)
            write_atomic(where, to_json(result), overwrite=True)
            _write(_gather(study, out, None), out)
    timing = _measure(study, threads) if latency else _known_timing(study, out)
    return _conclude(study, out, timing)


def remeasure(study: Study, out: Path, *, threads: int = 1) -> StudyResult:
    """Measures the latency of all cells again, trains nothing, and writes the results anew.

    Args:
        study: the networks.
        out: has results of the study.
        threads: of the latency.

    Raises:
        TrainingError: no cell of the study is trained in `out`.
        DataError: a result cannot be read.
    """
    if not any(row.seeds for row in _gather(study, out, None).rows):
        raise TrainingError(
            f"{out}: no cell of {study.name} is trained here; leave out --remeasure"
        )
    return _conclude(study, out, _measure(study, threads))


def _conclude(study: Study, out: Path, timing: _Timing | None) -> StudyResult:
    """Writes all of a study's files."""
    found = _gather(study, out, timing)
    _write(found, out)
    draw_study(found, _study_file(out, study.name, ".png"))
    return found


def _require_same_images(path: Path, config: TrainConfig, pack: Pack) -> None:
    """Refuses a finished cell that was trained on other images: its name does not tell."""
    result = _read_cell(path)
    if result.pack and result.pack != pack.index.sha256:
        raise TrainingError(f"{path}: was trained on another pack; use another folder for --out")
    images = result.config["validation"]["images"]
    if images != config.validation.images:
        raise TrainingError(
            f"{path}: was trained with validation.images = {images}, the study has "
            f"{config.validation.images}; use another folder for --out"
        )


def _read_cell(path: Path) -> CellResult:
    return read_json(path, CellResult, "a result of a run; remove it to train again")


def _chosen(study: Study, seeds: tuple[int, ...] | None) -> tuple[int, ...]:
    foreign = set(seeds or ()) - set(study.seeds)
    if foreign:
        raise TrainingError(f"seeds: {min(foreign)} is not one of the study's {list(study.seeds)}")
    return tuple(seed for seed in study.seeds if seeds is None or seed in seeds)


def _train(
    config: TrainConfig,
    pack: Pack,
    out: Path,
    sets: Mapping[str, Path],
    on_record: Callable[[Record], None],
) -> CellResult:
    run_dir = _run_folder(out, fingerprint(config))
    resume = (run_dir / STATE_FILE).exists()
    result = train(config, pack, run_dir, resume=resume, report=on_record)
    network, scale = load_weights(result.weights), config.model.scale
    settings = config.validation
    reserved = held_out(pack, settings.images)
    validators = {HELD_OUT: Validator.of_held_out(pack, reserved, scale, settings.crop)} | {
        name: Validator.of_folder(folder, scale) for name, folder in sets.items()
    }
    records = read_log(run_dir)
    return CellResult(
        seed=config.seed,
        psnr_y={
            name: round(validate(network, torch.device("cpu")), 4)
            for name, validate in validators.items()
        },
        steps=result.step,
        seconds=records[-1].seconds,
        config=msgspec.to_builtins(config),
        curve=tuple((one.step, one.psnr_y) for one in records if one.psnr_y is not None),
        pack=pack.index.sha256,
    )


def _measure(study: Study, threads: int) -> _Timing:
    """Times all cells in turn; weights do not change that."""
    engines = [untrained_engine(cell.config.model, threads) for cell in study.cells]
    milliseconds = tuple(round(1e3 * median(runs), 2) for runs in time_engines(engines, SIDE))
    return _Timing(milliseconds, describe_machine(), threads)


def _known_timing(study: Study, out: Path) -> _Timing | None:
    """What an earlier call measured, if it was of the same cells."""
    path = _study_file(out, study.name, ".json")
    if not path.exists():
        return None
    earlier = read_json(path, StudyResult, "the results of a study; remove it to measure again")
    rows = {row.label: row.milliseconds for row in earlier.rows}
    known = [rows.get(cell.label) for cell in study.cells]
    found = tuple(value for value in known if value is not None)
    if earlier.machine is None or len(found) < len(known):
        return None
    return _Timing(found, earlier.machine, earlier.threads)


def _gather(study: Study, out: Path, timing: _Timing | None) -> StudyResult:
    """What is known of a study from its cells' files."""
    rows = tuple(
        _row(cell, study, out, None if timing is None else timing.milliseconds[index])
        for index, cell in enumerate(study.cells)
    )
    return StudyResult(
        name=study.name,
        question=study.question,
        budget=study.budget,
        planned_seeds=len(study.seeds),
        machine=None if timing is None else timing.machine,
        threads=1 if timing is None else timing.threads,
        rows=rows,
    )


def _row(cell: Cell, study: Study, out: Path, milliseconds: float | None) -> Row:
    paths = [_cell_file(out, fingerprint(cell.seeded(seed))) for seed in study.seeds]
    results = [_read_cell(path) if path.exists() else None for path in paths]
    done = [result for result in results if result is not None]
    names = dict.fromkeys(name for result in done for name in result.psnr_y)
    cost = measure_cost(cell.config.model)
    return Row(
        label=cell.label,
        parameters=cost.parameters,
        multi_adds_720p=cost.multi_adds_720p,
        milliseconds=milliseconds,
        psnr_y={name: tuple(r.psnr_y.get(name) if r else None for r in results) for name in names},
        curve=done[0].curve if done else (),
    )


def _write(result: StudyResult, out: Path) -> None:
    contents = {
        ".json": to_json(result),
        ".csv": to_csv(result).encode(),
        ".md": (study_to_markdown(result) + "\n").encode(),
    }
    for suffix, content in contents.items():
        write_atomic(_study_file(out, result.name, suffix), content, overwrite=True)


def _cell_file(out: Path, key: str) -> Path:
    return out / "cells" / f"{key}.json"


def _run_folder(out: Path, key: str) -> Path:
    return out / "runs" / key


def _study_file(out: Path, name: str, suffix: str) -> Path:
    return out / f"{name}{suffix}"
