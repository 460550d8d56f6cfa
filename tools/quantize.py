"""int8 forms of what ships: made, measured beside float32, and entered into the catalogue."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median

import msgspec

from splitsr.benchmark.timing import describe_machine, time_engines
from splitsr.errors import ModelError, UnknownModelError, WeightsError
from splitsr.evaluation.score import evaluate_images, load_pairs
from splitsr.export.checked import LIMITS_DB, Image, calibration_photos
from splitsr.export.onnx import build
from splitsr.export.target import Precision, Source, Target
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
    contents = {
        "fp32": entry.read(),
        "fp16": _form(network, name, "fp16"),
        "int8": _form(network, f"{name}-int8", "int8", photos),
    }
    engines = {form: OnnxEngine(content, _THREADS) for form, content in contents.items()}
    report("timing")
    times = _timed(engines)
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
            psnr_y=round(scores[form, DECIDING_SET].psnr_y, 4),
            **times[form],
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


def retime_precisions(
    names: Sequence[str], paths: Paths, report: Report = lambda _: None
) -> dict[str, QuantizedRecord]:
    """Times the precisions of shipped models again, all in one run, and writes the documents anew.

    Args:
        names: of the models in float32; none means all that ship.
        paths: where everything lies.
        report: called with a model's name before it is timed.

    Raises:
        UnknownModelError: no such model ships in int8.
    """
    records, catalogue = dict(read_precision(paths.precision)), read_catalogue(paths)
    unknown = [name for name in names if name not in records]
    if unknown:
        raise UnknownModelError(f"no model {unknown[0]!r} in int8 in {paths.catalogue}")
    timed = {}
    for name in names or list(records):
        report(name)
        contents = {
            "fp32": catalogue[name].read(),
            "fp16": _form(load_weights(catalogue[name].weights_path), name, "fp16"),
            "int8": catalogue[f"{name}-int8"].read(),
        }
        times = _timed({form: OnnxEngine(model, _THREADS) for form, model in contents.items()})
        forms = {
            form: msgspec.structs.replace(found, **times[form])
            for form, found in records[name].forms.items()
        }
        timed[name] = msgspec.structs.replace(
            records[name], forms=forms, rounds=_ROUNDS, machine=describe_machine()
        )
    write_together({paths.precision: precision_to_json({**records, **timed})})
    write_documents(paths)
    return timed


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


def _form(network: Network, name: str, precision: Precision, photos: Sequence[Image] = ()) -> bytes:
    """The ONNX file of a form that is compared with float32."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "form.onnx")
        source = Source(inference_form(network), network.spec, name, photos)
        build(source, Target(format="onnx", precision=precision), path)
        return path.read_bytes()


def _timed(engines: Mapping[str, OnnxEngine]) -> dict[str, dict[str, float]]:
    """`milliseconds` and `median_ms` of each form, taken in turns."""
    seconds = time_engines(list(engines.values()), _SIDE, _ROUNDS)
    return {
        form: {
            "milliseconds": round(1e3 * min(found), 2),
            "median_ms": round(1e3 * median(found), 2),
        }
        for form, found in zip(engines, seconds, strict=True)
    }


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
