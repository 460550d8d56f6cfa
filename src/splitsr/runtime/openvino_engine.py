"""Networks run in bfloat16 by OpenVINO on the CPU.

ONNX Runtime's CPU provider has no bfloat16 convolution on x86: its one switch,
`mlas.enable_gemm_fastmath_arm64_bfloat16`, is for ARM. OpenVINO reads the same ONNX file and
computes in bfloat16 where the CPU has the instructions (AVX-512 BF16 or AMX on x86).
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from splitsr.errors import ModelError, naming_extra
from splitsr.runtime.engine import FloatArray, check_input
from splitsr.runtime.onnx_engine import available_cpus
from splitsr.zoo.onnx_file import damaged, read_metadata, spec_from_metadata

if TYPE_CHECKING:
    import openvino


class OpenVinoEngine:
    """A network in an ONNX file, computed in bfloat16; input and output are float32.

    Safe to call from several threads: each has an inference request of its own.
    """

    def __init__(self, content: bytes, threads: int | None = None, *, name: str) -> None:
        """Loads a network.

        Args:
            content: of the ONNX file.
            threads: threads that compute one run; by default one for each available CPU.
            name: what to call it.

        Raises:
            MissingDependencyError: OpenVINO is not installed.
            ModelError: this CPU has no bfloat16 instructions.
            WeightsError: the file is damaged or is not one of splitsr's.
        """
        core = _open_core()
        self.name = name
        self.spec = spec_from_metadata(read_metadata(content, name), name)
        settings = {
            "INFERENCE_PRECISION_HINT": "bf16",
            "INFERENCE_NUM_THREADS": threads or available_cpus(),
            "NUM_STREAMS": 1,
        }
        try:
            self._network = core.compile_model(core.read_model(content), "CPU", settings)
        except RuntimeError as error:
            raise damaged(name, error) from error
        self._local = threading.local()

    def run(self, lr: FloatArray) -> FloatArray:
        """Runs the network once; see `Engine`."""
        check_input(lr)
        request: Any = getattr(self._local, "request", None)
        if request is None:
            request = self._local.request = self._network.create_infer_request()
        try:
            sr: FloatArray = request.infer({"lr": np.ascontiguousarray(lr)})["sr"].copy()
        except RuntimeError as error:
            reason = str(error).splitlines()[0]
            raise ModelError(f"{self.name}: OpenVINO failed on {lr.shape} ({reason})") from error
        return sr


def _open_core() -> openvino.Core:
    with naming_extra("bfloat16", "bf16"):
        import openvino
    core = openvino.Core()
    if "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        raise ModelError("bf16: this CPU has no bfloat16 instructions; use fp32")
    return core
