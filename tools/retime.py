"""Times shipped models anew: on a machine that is quiet now, or another one.

Nothing but the latency and the machine in the results changes, and the documents made from them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from splitsr.benchmark.timing import describe_machine
from splitsr.errors import ModelError
from splitsr.imaging.atomic import write_together
from tools.documents import render_documents
from tools.latency import measure_latency
from tools.model_results import ModelRecord, read_results, results_to_json
from tools.paths import Paths


def retime(
    names: Sequence[str], paths: Paths, report: Callable[[str], None] = lambda _: None
) -> dict[str, ModelRecord]:
    """Measures the latency of shipped models again and writes it everywhere it stands.

    Args:
        names: of the models; none means all that ship.
        paths: where results, weights and documents lie.
        report: called with a model's name before it is timed.

    Returns:
        The new records by name.

    Raises:
        ModelError: no such model ships, or its file is not the one that was measured. Nothing was
            written.
        DataError: a document cannot be read.
        ImageWriteError: a file cannot be written.
    """
    results = read_results(paths.results)
    unknown = [name for name in names if name not in results]
    if unknown:
        raise ModelError(f"{unknown[0]}: no such model ships; there are {', '.join(results)}")
    machine, timed = describe_machine(), {}
    for name in names or list(results):
        report(name)
        model = _measured_file(name, results[name], paths)
        timed[name] = msgspec.structs.replace(
            results[name], latency=measure_latency(model), machine=machine
        )
    results = {**results, **timed}
    documents: dict[Path, str] = render_documents(paths, results)
    contents = {path: text.encode() for path, text in documents.items()}
    write_together({paths.results: results_to_json(results), **contents})
    return timed


def _measured_file(name: str, record: ModelRecord, paths: Paths) -> bytes:
    path = paths.weights(name, ".onnx")
    model = path.read_bytes()
    if hashlib.sha256(model).hexdigest() != record.sha256:
        raise ModelError(f"{path}: not the file that was measured; promote it")
    return model
