"""Puts a trained network into the catalogue: checks it, measures it, writes everything in one step.

    weights of a run -> name and limits -> ONNX -> parity -> quality -> better than what ships?
    -> latency -> weight files, results, model card, README's table, catalogue

Nothing is written before every check has passed; then the catalogue is written last.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import torch

from splitsr.benchmark.flops import Cost, measure_cost
from splitsr.benchmark.timing import describe_machine
from splitsr.errors import ModelError
from splitsr.evaluation.score import BenchmarkResult, evaluate_folder, load_pairs
from splitsr.evaluation.upscalers import find_upscaler
from splitsr.export.onnx import export_onnx
from splitsr.imaging.atomic import write_together
from splitsr.networks.checkpoint import read_weights, save_weights
from splitsr.runtime.onnx_engine import OnnxEngine
from splitsr.zoo.catalogue import ModelEntry
from tools.catalogue_file import catalogue_with
from tools.documents import read_catalogue, render_documents
from tools.evaluation_sets import DEGRADED, tests_of
from tools.latency import measure_latency
from tools.model_results import (
    ModelRecord,
    SetResult,
    Training,
    read_results,
    results_to_json,
)
from tools.model_tables import SETS
from tools.parity import Parity, compare_export, require_parity
from tools.paths import Paths
from tools.quantize import forget_quantized
from tools.trained import Candidate, check_limits, check_name, read_candidate

LICENCE = "Apache-2.0"
DECIDING_SETS = ("Set14", "B100")
"""A model replaces one that ships only if it is better on all of these."""

_PARITY_IMAGES = 5
_PARITY_SIDE = 160  # LR pixels

Report = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""


@dataclass(frozen=True)
class Promotion:
    """What a promotion did.

    Attributes:
        name: of the model.
        record: what was measured.
        files: what was written, in that order.
    """

    name: str
    record: ModelRecord
    files: tuple[Path, ...]


def promote(
    run: Path,
    name: str,
    sets: Mapping[str, Path],
    paths: Paths,
    *,
    hardware: str = "",
    replace: bool = False,
    report: Report = lambda *_: None,
) -> Promotion:
    """Makes a run's weights the shipped model of a name.

    Args:
        run: the run's folder, or a file of weights out of one.
        name: `<family>-x<scale>`.
        sets: folders of HR images by the test set's name; at least those of `SETS`.
        paths: where everything lies.
        hardware: that the training time was spent on, for the card.
        replace: do so whether or not it is better, as a twin whose clean model has changed must.
        report: called as the work goes on.

    Raises:
        ModelError: the network does not fit its name, its export is not exact, or what ships is
            not worse on every deciding set. Nothing was written.
        DataError: a test set, a file of facts or a document cannot be read.
        ImageWriteError: a file cannot be written; those written before have their old content.
        MissingDependencyError: onnx or onnxscript is not installed.
    """
    candidate = read_candidate(run)
    cost = measure_cost(candidate.spec)
    check_limits(name, check_name(name, candidate.spec), cost)
    render_documents(paths, read_results(paths.results))  # a fault shows before the long work
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.onnx"
        report("Exporting", 0, 1)
        export_onnx(candidate.network, path, name=name)
        onnx = path.read_bytes()
        parity = _check_parity(candidate, onnx, name, sets[SETS[0]], report)
        figures = {
            test: _evaluate(path, test, *how, report) for test, how in tests_of(name, sets).items()
        }
    if not replace and not _is_shipped(candidate, paths.weights(name, ".safetensors")):
        _check_better(name, figures, read_catalogue(paths).get(name))
    record = _record(candidate, cost, onnx, parity, figures, hardware, report)
    contents = _contents(name, candidate, record, onnx, paths)
    write_together(contents)
    forget_quantized(paths, name)
    return Promotion(name, record, tuple(contents))


def _check_parity(
    candidate: Candidate, onnx: bytes, name: str, hr_dir: Path, report: Report
) -> Parity:
    """Holds the export against torch on the middle of a few real LR images."""
    report("Comparing the export with torch", 0, 1)
    pairs = load_pairs(hr_dir, candidate.spec.scale)[:_PARITY_IMAGES]
    images = [pair.lr[:_PARITY_SIDE, :_PARITY_SIDE] for pair in pairs]
    parity = compare_export(candidate.network, OnnxEngine(onnx), images)
    require_parity(parity, name)
    return parity


def _evaluate(
    path: Path, test: str, hr_dir: Path, degrade: str | None, report: Report
) -> SetResult:
    """Scores the ONNX file on a test set, through the runtime that ships."""
    method = find_upscaler(str(path))
    result = evaluate_folder(
        method.enlarge,
        method.scale,
        hr_dir,
        degrade=degrade,
        progress=lambda done, total: report(f"Evaluating {test}", done, total),
    )
    return _rounded(result)


def _rounded(result: BenchmarkResult) -> SetResult:
    return SetResult(
        images=len(result.method.images),
        psnr_y=round(result.method.psnr_y, 4),
        ssim_y=round(result.method.ssim_y, 5),
        bicubic_psnr_y=round(result.bicubic.psnr_y, 4),
        bicubic_ssim_y=round(result.bicubic.ssim_y, 5),
    )


def _is_shipped(candidate: Candidate, weights: Path) -> bool:
    """Whether the candidate is what ships already, to be exported or measured anew."""
    if not weights.is_file():
        return False
    spec, shipped, _ = read_weights(weights)
    ours = candidate.network.state_dict()
    same_names = spec == candidate.spec and shipped.keys() == ours.keys()
    return same_names and all(torch.equal(shipped[key], ours[key]) for key in ours)


def _check_better(name: str, figures: Mapping[str, SetResult], shipped: ModelEntry | None) -> None:
    """Refuses a network that is not better than the one that ships."""
    if shipped is None:
        return
    pairs = {
        test: (figures[test].psnr_y, shipped.figures[test].psnr_y)
        for test in (DEGRADED if shipped.is_twin else DECIDING_SETS)
        if test in shipped.figures
    }
    if all(ours > theirs for ours, theirs in pairs.values()):
        return
    compared = ", ".join(f"{test} {a:.3f} dB against {b:.3f}" for test, (a, b) in pairs.items())
    raise ModelError(
        f"{name}: not better than the model that ships on {' and '.join(pairs)} both: {compared}; "
        "nothing was written"
    )


def _record(
    candidate: Candidate,
    cost: Cost,
    onnx: bytes,
    parity: Parity,
    figures: dict[str, SetResult],
    hardware: str,
    report: Report,
) -> ModelRecord:
    report("Measuring latency", 0, 1)
    return ModelRecord(
        scale=candidate.spec.scale,
        parameters=cost.parameters,
        multi_adds_720p=cost.multi_adds_720p,
        sha256=hashlib.sha256(onnx).hexdigest(),
        size=len(onnx),
        licence=LICENCE,
        figures=figures,
        parity=parity,
        latency=measure_latency(onnx),
        machine=describe_machine(),
        training=Training(
            steps=candidate.steps,
            planned_steps=candidate.planned_steps,
            seconds=candidate.seconds,
            hardware=hardware,
            commit=candidate.commit,
            config=candidate.config,
        ),
    )


def _contents(
    name: str, candidate: Candidate, record: ModelRecord, onnx: bytes, paths: Paths
) -> dict[Path, bytes]:
    """All files of a promotion, in the order in which they are written."""
    results = {**read_results(paths.results), name: record}
    documents = render_documents(paths, results)
    return {
        paths.weights(name, ".safetensors"): _safetensors(name, candidate, record),
        paths.weights(name, ".onnx"): onnx,
        paths.results: results_to_json(results),
        **{path: text.encode() for path, text in documents.items()},
        paths.catalogue: catalogue_with(paths.catalogue, name, candidate.spec, record),
    }


def _safetensors(name: str, candidate: Candidate, record: ModelRecord) -> bytes:
    """The weights, their history and figures in the header."""
    metadata = {
        "splitsr.name": name,
        "splitsr.licence": record.licence,
        "splitsr.config": candidate.config_text,
        "splitsr.commit": candidate.commit,
        "splitsr.step": str(candidate.steps),
        "splitsr.seconds": f"{candidate.seconds:.0f}",
        "splitsr.figures": msgspec.json.encode(record.figures).decode(),
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.safetensors"
        save_weights(path, candidate.spec, candidate.network.state_dict(), metadata)
        return path.read_bytes()
