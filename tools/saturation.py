"""Whether an int8 network is right on x86 CPUs without VNNI."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper


def may_saturate(content: bytes) -> bool:
    """Whether x86 CPUs without VNNI compute an int8 network otherwise than the rest.

    They keep the sum of two products, of a level from 0 to 255 and a weight each, in 16 bits that
    saturate. Which weights are neighbours is the kernel's affair, so any two of one output are.

    Args:
        content: of an ONNX file that `quantize_onnx` made.
    """
    values = map(numpy_helper.to_array, onnx.load_model_from_string(content).graph.initializer)
    weights = [value for value in values if value.dtype == np.int8 and value.ndim == 4]
    return any(_largest_sum(weight) * 255 > np.iinfo(np.int16).max for weight in weights)


def _largest_sum(weight: npt.NDArray[np.int8]) -> int:
    """The most that two weights of an output add up to, of either sign."""
    rows = np.sort(weight.reshape(len(weight), -1).astype(np.int64), axis=1)
    return int(max(rows[:, -2:].clip(0).sum(1).max(), -rows[:, :2].clip(max=0).sum(1).min()))
