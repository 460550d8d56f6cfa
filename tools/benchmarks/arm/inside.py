"""Runs networks in the runtimes of a device: under emulation, on a board, or on this machine.

    python inside.py CASES --threads 1 [--runtime onnxruntime]

Needs numpy and the runtimes alone. CASES has cases.json and the files that it names; each case's
output goes to CASES/<label>/<name>.npy, and a line of JSON to standard output. Round the counted
runs it makes a system call that `count.c` knows, and that no kernel minds.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np

PRCTL_MARK = 0x53504C54
BEGIN, END = 1, 2
RUNS = 3
PACKAGES = {"onnxruntime": "onnxruntime", "ncnn": "ncnn", "litert": "ai-edge-litert"}

Run = Callable[[np.ndarray], np.ndarray]


def main() -> None:
    """Runs the cases of a runtime."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--runtime", choices=list(PACKAGES), required=True)
    parser.add_argument("--label", required=True, help="Folder of the outputs in CASES.")
    call = parser.parse_args()
    out = call.cases / call.label
    out.mkdir(exist_ok=True)
    lr = np.load(call.cases / "lr.npy")
    for case in json.loads((call.cases / "cases.json").read_text()):
        if case["runtime"] == call.runtime:
            run = LOADERS[call.runtime](call.cases / case["file"], call.threads, case["precision"])
            sr, milliseconds = measured(run, lr)
            np.save(out / f"{case['name']}.npy", sr)
            line = {"name": case["name"], "milliseconds": milliseconds}
            print(json.dumps({**line, "version": version(PACKAGES[call.runtime])}), flush=True)


def measured(run: Run, lr: np.ndarray) -> tuple[np.ndarray, list[float]]:
    """The output, after a warm-up, and the time of each counted run."""
    run(lr)
    mark = ctypes.CDLL(None).prctl
    milliseconds = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        mark(PRCTL_MARK, BEGIN, 0, 0, 0)
        sr = run(lr)
        mark(PRCTL_MARK, END, 0, 0, 0)
        milliseconds.append(round(1e3 * (time.perf_counter() - begun), 2))
    return sr, milliseconds


def load_onnxruntime(path: Path, threads: int, precision: str) -> Run:
    """ONNX Runtime, its threads waiting without spinning, as splitsr runs it.

    In `int8-unfused` no node is fused into an integer kernel, whose rounding is each CPU's own.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if precision == "int8-unfused":
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    session = onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
    return lambda lr: session.run(["sr"], {"lr": lr})[0]


def load_litert(path: Path, threads: int, _precision: str) -> Run:
    """LiteRT with XNNPACK; its images are (N, H, W, 3)."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path), num_threads=threads)
    interpreter.allocate_tensors()
    source = interpreter.get_input_details()[0]["index"]
    target = interpreter.get_output_details()[0]["index"]

    def run(lr: np.ndarray) -> np.ndarray:
        interpreter.set_tensor(source, np.ascontiguousarray(lr.transpose(0, 2, 3, 1)))
        interpreter.invoke()
        return interpreter.get_tensor(target).transpose(0, 3, 1, 2)

    return run


def load_ncnn(path: Path, threads: int, precision: str) -> Run:
    """ncnn on the CPU."""
    import ncnn

    net, half = ncnn.Net(), precision == "fp16"
    net.opt.num_threads = threads
    net.opt.use_vulkan_compute = net.opt.use_bf16_storage = False
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = half
    net.load_param(str(path))
    net.load_model(str(path.with_suffix(".bin")))

    def run(lr: np.ndarray) -> np.ndarray:
        extractor = net.create_extractor()
        extractor.input("in0", ncnn.Mat(lr[0]).clone())
        _, sr = extractor.extract("out0")
        return np.array(sr)[None]

    return run


LOADERS = {"onnxruntime": load_onnxruntime, "ncnn": load_ncnn, "litert": load_litert}

if __name__ == "__main__":
    main()
