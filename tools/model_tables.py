"""Markdown made from the results: the tables of models and the blocks of the model cards."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from splitsr.benchmark.timing import Machine
from splitsr.errors import DataError
from splitsr.experiments.result_files import Row, markdown_table
from splitsr.zoo.catalogue import is_twin
from tools.model_results import ModelRecord, Results

SETS = ("Set5", "Set14", "B100")
"""The test sets of every table."""

PUBLISHED_SETS = (*SETS, "Urban100")
"""Those that published figures are given for; Urban100 may not be had here."""

_SIDE, _THREADS = 128, 2  # of the latency in the README's table
_MEASURED = (
    "PSNR-Y in dB of clean images, as `splitsr evaluate` measures it; multi-adds for a 1280x720 "
    "output"
)


@dataclass(frozen=True)
class Published:
    """A network's figures as others published them.

    Attributes:
        scale: the enlargement.
        method: the network's name.
        parameters_k: thousands; empty where not given.
        multi_adds_g: billions for a 1280x720 output; empty where not given.
        figures: `PSNR/SSIM` by test set.
        source: where the figures stand.
    """

    scale: int
    method: str
    parameters_k: str
    multi_adds_g: str
    figures: dict[str, str]
    source: str


def read_published(path: Path) -> list[Published]:
    """Reads published figures.

    Raises:
        DataError: the file is missing or lacks a column.
    """
    return [
        Published(
            scale=int(row["scale"]),
            method=row["method"],
            parameters_k=row["parameters_k"],
            multi_adds_g=row["multi_adds_g"],
            figures={name: row[name] for name in PUBLISHED_SETS},
            source=row["source"],
        )
        for row in _read_csv(
            path, "scale", "method", "parameters_k", "multi_adds_g", *PUBLISHED_SETS
        )
    ]


def readme_blocks(results: Results) -> dict[str, str]:
    """The README's block `models`: a row for each model, and one of bicubic for each scale."""
    if not results:
        return {"models": "No trained model ships yet."}
    rows = [row for scale in _scales(results) for row in _our_rows(scale, results)]
    heading = ("model", "parameters", "multi-adds", *SETS, "ms")
    machines = "; ".join(dict.fromkeys(_machine(record.machine) for record in results.values()))
    notes = (
        f"{_MEASURED}; ms: a {_SIDE}x{_SIDE} image enlarged on {_THREADS} threads, median "
        f"({machines})."
    )
    return {"models": f"{markdown_table(heading, rows)}\n\n{notes}"}


def comparison_blocks(results: Results, published: Sequence[Published]) -> dict[str, str]:
    """The block `comparison`: for each scale ours and published networks, by quality."""
    tables = [_comparison_table(scale, results, published) for scale in _scales(results)]
    sources = ", ".join(dict.fromkeys(row.source for row in published))
    notes = f"{_MEASURED}.\n\nPublished figures are taken from: {sources}."
    return {"comparison": "\n\n".join([*tables, notes])}


def card_blocks(record: ModelRecord, data_sources: Path) -> dict[str, str]:
    """A model card's blocks: `facts`, `figures`, `latency`, `training`, `recipe` and `data`.

    Args:
        record: the model.
        data_sources: counts of the training images by source and licence.

    Raises:
        DataError: the data sources cannot be read.
    """
    return {
        "facts": _facts(record),
        "figures": _figures(record),
        "latency": _latency(record),
        "training": _training(record),
        "recipe": _recipe(record.training.config),
        "data": _data(data_sources),
    }


def _scales(results: Results) -> list[int]:
    return sorted({record.scale for record in results.values()})


def _ours(scale: int, results: Results) -> Results:
    """The models of a scale, the smallest first, without their twins."""
    ours = [(name, record) for name, record in results.items() if record.scale == scale]
    return {
        name: record
        for name, record in sorted(ours, key=lambda item: item[1].parameters)
        if not is_twin(name)
    }


def _our_rows(scale: int, results: Results) -> list[Row]:
    ours = _ours(scale, results)
    models = [
        (*_model_row(name, record, "docs/models/"), _milliseconds(record))
        for name, record in ours.items()
    ]
    return [_bicubic_row(scale, ours), *models]


def _comparison_table(scale: int, results: Results, published: Sequence[Published]) -> str:
    ours = _ours(scale, results)
    found: list[tuple[float, Row]] = [
        (record.figures[SETS[0]].psnr_y, (*_model_row(name, record, "models/"), ""))
        for name, record in ours.items()
    ]
    found += [
        (float(row.figures[SETS[0]].partition("/")[0]), _published_row(row))
        for row in published
        if row.scale == scale
    ]
    heading = (f"x{scale}", "parameters", "multi-adds", *PUBLISHED_SETS)
    ranked = [row for _, row in sorted(found, key=lambda pair: pair[0])]
    return markdown_table(heading, [_bicubic_row(scale, ours), *ranked])


def _bicubic_row(scale: int, ours: Results) -> Row:
    record = next(iter(ours.values()))
    figures = [f"{record.figures[name].bicubic_psnr_y:.2f}" for name in SETS]
    return (f"bicubic x{scale}", "", "", *figures, "")


def _model_row(name: str, record: ModelRecord, cards: str) -> Row:
    figures = [f"**{record.figures[test].psnr_y:.2f}**" for test in SETS]
    return (
        f"[**{name}**]({cards}{name}.md)",
        f"{record.parameters / 1e3:.0f} K",
        f"{record.multi_adds_720p / 1e9:.1f} G",
        *figures,
    )


def _milliseconds(record: ModelRecord) -> str:
    found = record.milliseconds(_SIDE, _THREADS)
    return "" if found is None else f"{found:.1f}"


def _published_row(row: Published) -> Row:
    return (
        row.method,
        f"{row.parameters_k} K" if row.parameters_k else "",
        f"{row.multi_adds_g} G" if row.multi_adds_g else "",
        *(row.figures[name].partition("/")[0] for name in PUBLISHED_SETS),
    )


def _facts(record: ModelRecord) -> str:
    rows = [
        ("enlarges", f"x{record.scale}"),
        ("parameters", f"{record.parameters:,}"),
        ("multi-adds, 1280x720 output", f"{record.multi_adds_720p / 1e9:.2f} G"),
        ("ONNX file", f"{record.size / 1e3:.0f} kB, sha256 `{record.sha256}`"),
        ("licence of the weights", record.licence),
    ]
    return markdown_table(("", ""), rows, left=2)


def _figures(record: ModelRecord) -> str:
    heading = ("test set", "images", "PSNR-Y", "SSIM-Y", "bicubic PSNR-Y", "bicubic SSIM-Y")
    rows = [
        (
            name,
            str(result.images),
            f"**{result.psnr_y:.2f}**",
            f"**{result.ssim_y:.4f}**",
            f"{result.bicubic_psnr_y:.2f}",
            f"{result.bicubic_ssim_y:.4f}",
        )
        for name, result in record.figures.items()
    ]
    parity = record.parity
    return (
        f"{markdown_table(heading, rows)}\n\n"
        f"The ONNX file was compared with PyTorch on {parity.values:,} values of real images: "
        f"the output differs by {parity.max_difference:.1g} at most (white is 1), in 8 bits by "
        f"{parity.max_levels} level on {1e6 * parity.changed_share:.0f} in a million."
    )


def _latency(record: ModelRecord) -> str:
    rows = [
        (
            f"{timing.width}x{timing.height}",
            f"{timing.width * record.scale}x{timing.height * record.scale}",
            str(timing.threads),
            f"{timing.milliseconds:.1f}",
        )
        for timing in record.latency
    ]
    table = markdown_table(("from", "to", "threads", "ms"), rows, left=2)
    busy = " **Something else was running: these times are too long.**" if record.disturbed else ""
    return f"{table}\n\nMedian after a warm-up. {_machine(record.machine)}.{busy}"


def _machine(machine: Machine) -> str:
    return f"{machine.cpu}, {machine.cores} cores, {machine.system}, {machine.runtime}"


def _training(record: ModelRecord) -> str:
    training = record.training
    cut = training.steps < training.planned_steps
    steps = f"{training.steps:,} of {training.planned_steps:,} planned" if cut else ""
    hardware = training.hardware or "hardware that was not recorded"
    commit = f"`{training.commit[:12]}`" if training.commit else "not recorded"
    rows = [
        ("steps", steps or f"{training.steps:,}"),
        ("time", f"{training.seconds / 3600:.1f} h on {hardware}"),
        ("commit of the source", commit),
    ]
    start = training.config.get("init_from")
    if start:
        rows.append(("started from", f"`{start}`, whose own steps and time are not counted here"))
    return markdown_table(("", ""), rows, left=2)


def _recipe(config: dict[str, Any]) -> str:
    rows = [(f"`{field}`", f"`{value}`") for field, value in _flatten(config)]
    return markdown_table(("setting", "value"), rows, left=2)


def _flatten(fields: Any, prefix: str = "") -> list[tuple[str, str]]:  # noqa: ANN401
    """Nested settings as paths and values: `optimizer.kind`, `stages.0.steps`."""
    if isinstance(fields, dict):
        items: Iterable[tuple[Any, Any]] = fields.items()
    elif isinstance(fields, list) and fields and isinstance(fields[0], dict):
        items = enumerate(fields)
    else:
        return [(prefix.removesuffix("."), msgspec.json.encode(fields).decode())]
    return [pair for key, value in items for pair in _flatten(value, f"{prefix}{key}.")]


def _data(data_sources: Path) -> str:
    rows = _read_csv(data_sources, "source", "licence", "images")
    total = sum(int(row["images"]) for row in rows)
    table = markdown_table(
        ("source", "licence", "images"),
        [(row["source"], row["licence"], row["images"]) for row in rows],
        left=2,
    )
    return f"{total} photographs:\n\n{table}"


def _read_csv(path: Path, *columns: str) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error})") from error
    for number, row in enumerate(rows, start=2):
        missing = [column for column in columns if row.get(column) is None]
        if missing:
            raise DataError(f"{path}: line {number} has no {', '.join(missing)}")
    return rows
