"""Networks run by ONNX Runtime on the CPU."""

from __future__ import annotations

import os
from collections.abc import Mapping
from math import ceil
from pathlib import Path
from threading import Lock

import onnxruntime as ort

from splitsr.errors import ModelError, WeightsError
from splitsr.runtime.engine import FloatArray, check_input
from splitsr.zoo.onnx_file import NAME_KEY, damaged, read_metadata, spec_from_metadata
from splitsr.zoo.reading import read_model_file

# Of ONNX Runtime's severities; what it prints of an error stands in the exception too.
_FATAL_ONLY = 4

_VERSION = tuple(int(part) for part in ort.__version__.split(".")[:2])
_FIRST_WITH_SPIN_TIME = (1, 26)

# Work handed out in ever smaller blocks, so that a thread that something else held up does not keep
# the others waiting: 5 to 9 % faster on two threads, and never slower.
_BLOCKS = {"session.dynamic_block_base": "4"}

# What `read_metadata` has looked through, and not ONNX Runtime's own format.
_FORMAT = {"session.load_model_format": "ONNX"}


def available_cpus() -> int:
    """CPUs that this process may use, which can be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class OnnxEngine:
    """A network in an ONNX file: input `lr`, output `sr`, any batch, height and width.

    Sessions are thread-safe: several threads may call `run` at once, each run using all of the
    engine's threads.
    """

    def __init__(
        self, source: Path | bytes, threads: int | None = None, *, name: str | None = None
    ) -> None:
        """Loads a network.

        Args:
            source: the ONNX file, or its content.
            threads: threads that compute one run; by default one for each available CPU.
            name: what to call it; by default the name that the file carries.

        Raises:
            WeightsError: the file is missing or damaged, is no ONNX, or is not one of splitsr's.
            ValueError: fewer than 1 thread.
        """
        threads = available_cpus() if threads is None else threads
        if threads < 1:
            raise ValueError(f"threads: found {threads}; must be at least 1")
        label = name or ("model" if isinstance(source, bytes) else str(source))
        self._source, self._threads = source, threads
        content = source if isinstance(source, bytes) else read_model_file(source)
        metadata = read_metadata(content, label)
        self._session = _open_session(content, label, threads)
        self.spec = spec_from_metadata(metadata, label)
        self.name = name or metadata.get(NAME_KEY) or label
        _check_ports(self._session, label)
        self._lane: OnnxEngine | None = None
        self._lock = Lock()

    @property
    def lanes(self) -> int:
        """Two, if there are threads for them: more would divide the memory further."""
        return min(2, self._threads)

    def lane(self) -> OnnxEngine:
        """The network on its share of the threads, loaded when it is first needed."""
        if self._threads == 1:
            return self
        with self._lock:
            if self._lane is None:
                share = ceil(self._threads / self.lanes)
                self._lane = OnnxEngine(self._source, share, name=self.name)
            return self._lane

    def run(self, lr: FloatArray) -> FloatArray:
        """Runs the network once; see `Engine`."""
        check_input(lr)
        try:
            sr: FloatArray = self._session.run(["sr"], {"lr": lr})[0]
        except Exception as error:  # ONNX Runtime's exceptions have no common base
            raise ModelError(
                f"{self.name}: failed on a tile of {lr.shape[2]}x{lr.shape[3]} pixels; "
                f"if memory is short, choose a smaller tile ({str(error).splitlines()[0]})"
            ) from error
        self._check_output(lr, sr)
        return sr

    def _check_output(self, lr: FloatArray, sr: FloatArray) -> None:
        scale = self.spec.scale
        expected = (lr.shape[0], 3, lr.shape[2] * scale, lr.shape[3] * scale)
        if sr.shape != expected:
            raise WeightsError(
                f"{self.name}: gave {sr.shape} where its spec says {expected}; "
                "the file's spec is not its network's"
            )


def _open_session(content: bytes, label: str, threads: int) -> ort.InferenceSession:
    try:
        return ort.InferenceSession(
            content, session_options(threads), providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # ONNX Runtime's exceptions have no common base
        raise damaged(label, error) from error


def session_options(threads: int, changes: Mapping[str, str] | None = None) -> ort.SessionOptions:
    """ONNX Runtime's options: all optimisations, and threads that share the CPU with others.

    Args:
        threads: that compute one run.
        changes: configuration entries that are to have other values than they have here.
    """
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _FATAL_ONLY
    # A pattern is one more block, beside the arena of the first run at a size: without patterns
    # balanced-x4 takes 1.1 KiB for an LR pixel instead of 1.5, and no more time.
    options.enable_mem_pattern = False
    entries = {**_FORMAT, **_waiting(), **_BLOCKS, **(changes or {})}
    for key, value in entries.items():
        options.add_session_config_entry(key, value)
    return options


def _waiting() -> dict[str, str]:
    """How threads wait for the next operator: awake for a moment, then asleep.

    Waking up costs more than most operators leave a thread to wait; but a thread that stays awake
    takes the CPU from whatever else runs, its fellows among them. Figures are in docs/speed.md.
    """
    if _VERSION < _FIRST_WITH_SPIN_TIME:  # there a thread that spins does so for long
        return {"session.intra_op.allow_spinning": "0"}
    return {
        "session.intra_op.allow_spinning": "1",
        "session.intra_op.spin_duration_us": "100",
    }


def _check_ports(session: ort.InferenceSession, label: str) -> None:
    found = [(port.name, port.type) for port in [*session.get_inputs(), *session.get_outputs()]]
    expected = [("lr", "tensor(float)"), ("sr", "tensor(float)")]
    if found != expected:
        raise WeightsError(f"{label}: found inputs and outputs {found}; must be {expected}")
    _, channels, height, width = session.get_inputs()[0].shape
    if channels != 3 or isinstance(height, int) or isinstance(width, int):
        raise WeightsError(
            f"{label}: was exported for images of one size or with channels last; splitsr runs "
            "ONNX files of any size in nchw: export it again without --input and --layout"
        )
