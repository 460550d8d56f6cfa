"""What the CPU can do at most: the float32 peak that networks are compared with.

A convolution that suits the CPU (3x3, 64 to 64 channels, image in the cache) runs as a stack of
six in ONNX Runtime, once a thread, every thread a stack of its own, so that none waits for another.
That is the most this machine has given in any trial: NumPy's and ONNX Runtime's matrix products and
larger or smaller convolutions came out 0 to 20 % lower.
"""

from __future__ import annotations

import struct
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from splitsr.runtime.onnx_engine import session_options

if TYPE_CHECKING:
    import onnxruntime as ort

CHANNELS = 64
SIDE = 128
LAYERS = 6
REPEATS = 2

_FLOAT, _INTS = 1, 7  # ONNX's numbers of the tensor type and of the attribute type
_IR_VERSION, _OPSET = 8, 13


class PeakProbe:
    """A run of the fitting convolutions on all threads at once."""

    def __init__(self, threads: int) -> None:
        """Prepares one single-threaded stack a thread.

        Args:
            threads: how many run side by side.
        """
        import onnxruntime as ort

        self._threads = threads
        self._session: ort.InferenceSession = ort.InferenceSession(
            _stack_of_convolutions(), session_options(1), providers=["CPUExecutionProvider"]
        )
        self._pool = ThreadPoolExecutor(threads)
        self._input = np.random.default_rng(0).random((1, CHANNELS, SIDE, SIDE), np.float32)

    @property
    def flops(self) -> float:
        """Additions and multiplications of one `run`."""
        return 2.0 * 9 * CHANNELS**2 * SIDE**2 * LAYERS * REPEATS * self._threads

    def run(self) -> None:
        """Runs every thread's stack `REPEATS` times."""
        list(self._pool.map(self._run_stack, range(self._threads)))

    def close(self) -> None:
        """Ends the threads."""
        self._pool.shutdown()

    def _run_stack(self, _: int) -> None:
        for _repeat in range(REPEATS):
            self._session.run(None, {"x": self._input})


# The package `onnx` is no part of a plain install, so the few fields that a chain of convolutions
# needs are written as protocol buffers here; numbers are those of onnx.proto3.


def _stack_of_convolutions() -> bytes:
    weights = np.random.default_rng(1).normal(
        0, 1 / (3 * CHANNELS**0.5), (CHANNELS, CHANNELS, 3, 3)
    )
    tensor = b"".join(_number(1, size) for size in weights.shape)
    tensor += _number(2, _FLOAT) + _text(8, "w") + _bytes(9, weights.astype("<f4").tobytes())
    names = ["x", *(f"t{index}" for index in range(1, LAYERS)), "y"]
    nodes = b"".join(_bytes(1, _conv(names[i], names[i + 1])) for i in range(LAYERS))
    shape = b"".join(_bytes(1, _number(1, size)) for size in (1, CHANNELS, SIDE, SIDE))
    kind = _bytes(2, _bytes(1, _number(1, _FLOAT) + _bytes(2, shape)))
    ports = _bytes(11, _text(1, "x") + kind) + _bytes(12, _text(1, "y") + kind)
    graph = nodes + _text(2, "peak") + _bytes(5, tensor) + ports
    return _number(1, _IR_VERSION) + _bytes(7, graph) + _bytes(8, _number(2, _OPSET))


def _conv(before: str, after: str) -> bytes:
    pads = _text(1, "pads") + _number(20, _INTS) + b"".join(_number(8, 1) for _ in range(4))
    return _text(1, before) + _text(1, "w") + _text(2, after) + _text(4, "Conv") + _bytes(5, pads)


def _varint(value: int) -> bytes:
    low = [value & 0x7F]
    while value := value >> 7:
        low[-1] |= 0x80
        low.append(value & 0x7F)
    return struct.pack(f"{len(low)}B", *low)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _text(field: int, content: str) -> bytes:
    return _bytes(field, content.encode())
