"""int8 forms of what ships: made, measured beside float32, and entered into the catalogue."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median

from splitsr.benchmark.timing import describe_machine, time_engines
from splitsr.errors import ModelError, UnknownModelError, WeightsError
from splitsr.evaluation.score import evaluate_images, load_pairs
from splitsr.export.checked import LIMITS_DB, Image, calibration_photos
from splitsr.export.onnx import build
from splitsr.export.target import Source, Target
from splitsr.imaging.atomic import write_together
from splitsr.networks.checkpoint import load_weights
from splitsr.networks.network import Network
from splitsr.networks.splitsr.inference_form import inference_form
from splitsr.runtime.onnx_engine import OnnxEngine
from splitsr.runtime.upscaler import Upscaler
from splitsr.zoo.catalogue import Figures
from tools.catalogue_file import catalogue_with_variant
from tools.documents import read_catalogue, write_documents
from tools.evaluation_sets import tests_of
from tools.paths import Paths
from tools.precision_results import (
    FormRecord,
    QuantizedRecord,
    precision_to_json,
    read_precision,
)
from tools.saturation import may_saturate

DECIDING_SET = "B100"
_SIDE, _THREADS, _ROUNDS = 128, 2, 60

Report = Callable[[str], None]


def quantize_shipped(
    name: str,
    sets: Mapping[str, Path],
    calibration: Sequence[Image],
    paths: Paths,
    report: Report = lambda _: None,
) -> QuantizedRecord:
    """Makes the int8 form of a shipped model, if it is faster here and loses little on any CPU.

    Args:
        name: of the model in float32.
        sets: folders of HR images by the test set's name; `DECIDING_SET` among them.
        calibration: HR photographs, none of them of a test set; for a twin they are degraded.
        paths: where everything lies.
        report: called as the work goes on.

    Raises:
        UnknownModelError: no such model.
        ModelError: int8 is not faster here, loses more than is allowed, or more on other CPUs.
            Nothing was written.
    """
    entry = read_catalogue(paths).get(name)
    if entry is None or entry.precision != "fp32":
        raise UnknownModelError(f"no model {name!r} in float32 in {paths.catalogue}")
    report("calibrating")
    network = load_weights(entry.weights_path)
    photos = calibration_photos(calibration, network.spec.scale, None, degraded=entry.is_twin)
    contents = {"fp32": entry.read(), **_forms(network, f"{name}-int8", photos)}
    engines = {form: OnnxEngine(content, _THREADS) for form, content in contents.items()}
    report("timing")
    seconds = dict(zip(engines, time_engines(list(engines.values()), _SIDE, _ROUNDS), strict=True))
    scores = {}
    tests = tests_of(name, sets)
    for test, (folder, degrade) in tests.items():
        report(f"evaluating {test}")
        pairs = load_pairs(folder, network.spec.scale, degrade=degrade)
        among = engines if test == DECIDING_SET else {"int8": engines["int8"]}
        for form, engine in among.items():
            scores[form, test] = evaluate_images(Upscaler(engine), pairs, network.spec.scale)
    forms = {
        form: FormRecord(
            size=len(content),
            milliseconds=round(1e3 * min(seconds[form]), 2),
            median_ms=round(1e3 * median(seconds[form]), 2),
            psnr_y=round(scores[form, DECIDING_SET].psnr_y, 4),
        )
        for form, content in contents.items()
    }
    figures = {
        test: Figures(round(scores["int8", test].psnr_y, 4), round(scores["int8", test].ssim_y, 5))
        for test in tests
    }
    record = QuantizedRecord(
        sha256=hashlib.sha256(contents["int8"]).hexdigest(),
        figures=figures,
        forms=forms,
        calibration_photos=len(calibration),
        rounds=_ROUNDS,
        machine=describe_machine(),
    )
    _require(name, record)
    if may_saturate(contents["int8"]):
        raise ModelError(
            f"{name}: int8 is wrong on x86 CPUs without VNNI: sums of two products exceed 16 bits; "
            "nothing was written"
        )
    _write(name, contents["int8"], record, paths)
    return record


def forget_quantized(paths: Paths, name: str) -> None:
    """Takes away the int8 form of a model whose weights changed; it must be made anew.

    Raises:
        ImageWriteError: a file cannot be written.
    """
    records = dict(read_precision(paths.precision))
    if records.pop(name, None) is None:
        return
    write_together({paths.precision: precision_to_json(records)})
    paths.weights(f"{name}-int8", ".onnx").unlink(missing_ok=True)
    write_documents(paths)


def _forms(network: Network, name: str, photos: Sequence[Image]) -> dict[str, bytes]:
    """ONNX files of the forms that are compared with float32."""
    form = inference_form(network)
    contents = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "form.onnx")
        for precision in ("fp16", "int8"):
            target = Target(format="onnx", precision=precision)
            build(Source(form, network.spec, name, photos), target, path)
            contents[precision] = path.read_bytes()
    return contents


def _require(name: str, record: QuantizedRecord) -> None:
    loss, gain = record.loss_db("int8"), record.speed("int8")
    if not (loss <= LIMITS_DB["int8"] and gain > 1):
        raise ModelError(
            f"{name}: int8 loses {loss:.3f} dB on {DECIDING_SET} (allowed: "
            f"{LIMITS_DB['int8']:g}) and is {gain:.2f} times as fast as float32 here (needed: more "
            "than 1); nothing was written"
        )


def _write(name: str, content: bytes, record: QuantizedRecord, paths: Paths) -> None:
    before = paths.catalogue.read_bytes()
    records = {**read_precision(paths.precision), name: record}
    catalogue = catalogue_with_variant(paths.catalogue, name, record.sha256, record.figures)
    write_together(
        {
            paths.weights(f"{name}-int8", ".onnx"): content,
            paths.precision: precision_to_json(records),
            paths.catalogue: catalogue,
        }
    )
    try:
        write_documents(paths)
    except WeightsError:
        write_together({paths.catalogue: before})
        raise
