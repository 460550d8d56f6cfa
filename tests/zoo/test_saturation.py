"""int8 is right on CPUs whose kernels saturate, shown on any CPU."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from splitsr.runtime.onnx_engine import OnnxEngine
from splitsr.zoo.catalogue import ModelEntry, find_model, list_models
from tests.patience import PATIENCE_S
from tests.zoo.saturating import SaturatingEngine, saturating_sums
from tools.precision_results import read_precision
from tools.saturation import _largest_sum, may_saturate

WITH_ALL = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
"""The environment of a process that sees what this CPU has, though these tests may not."""

INT8 = [entry for entry in list_models() if entry.precision == "int8"]


def weights_of(proto: onnx.ModelProto) -> list[np.ndarray]:
    """Integer weights of the convolutions."""
    values = map(numpy_helper.to_array, proto.graph.initializer)
    return [value for value in values if value.dtype == np.int8 and value.ndim == 4]


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean((one.clip(0, 1) - other.clip(0, 1)) ** 2)))


@pytest.fixture
def lr(photo: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(photo[100:148, 200:264].transpose(2, 0, 1)[None] / np.float32(255))


@pytest.fixture
def without_vnni(tmp_path: Path) -> Path:
    """A library that hides VNNI from a process that loads it first."""
    cpu = Path("/proc/cpuinfo")
    if not shutil.which("cc") or not cpu.exists() or "cpuid_fault" not in cpu.read_text():
        pytest.skip("needs a C compiler, and a CPU that lets a process answer CPUID itself")
    library, source = tmp_path / "without_vnni.so", Path(__file__).parents[1] / "without_vnni.c"
    call = ["cc", "-O2", "-shared", "-fPIC", "-o", library, source]
    subprocess.run(call, check=True, env=WITH_ALL)
    return library


@pytest.mark.parametrize("entry", INT8, ids=lambda entry: entry.name)
def test_no_sum_of_what_ships_can_saturate(entry: ModelEntry) -> None:
    weights = weights_of(onnx.load_model_from_string(entry.read()))
    assert len(weights) > 6
    assert max(map(_largest_sum, weights)) <= 128
    assert not may_saturate(entry.read())


@pytest.mark.parametrize(
    ("row", "most"),
    [
        ([64, -3, 64], 128),
        ([65, -3, 64], 129),
        ([-64, 9, -65], 129),
        ([127, -127, 1], 128),
        ([5], 5),
    ],
)
def test_the_two_largest_weights_of_a_sign_count(row: list[int], most: int) -> None:
    assert _largest_sum(np.array(row, np.int8).reshape(1, -1, 1, 1)) == most


def test_neighbours_are_added_in_16_bits() -> None:
    rng = np.random.default_rng(0)
    levels = rng.integers(0, 256, (1, 3, 5, 4)).astype(np.float32)
    weight = rng.integers(-127, 128, (2, 3, 3, 3)).astype(np.int8)
    found = saturating_sums(torch.from_numpy(levels), torch.from_numpy(weight)).numpy()
    assert found.shape == (1, 2, 3, 2)
    for output, top, left in np.ndindex(2, 3, 2):
        place = levels[0, :, top : top + 3, left : left + 3].transpose(1, 2, 0).ravel().astype(int)
        products = np.append(place * weight[output].transpose(1, 2, 0).ravel(), 0)
        pairs = (products[::2] + products[1::2]).clip(-(2**15), 2**15 - 1)
        assert found[0, output, top, left] == pairs.sum()


def test_it_computes_what_the_runtime_does(lr: np.ndarray) -> None:
    content = find_model("splitsr-fast-x4-int8").read()
    full = OnnxEngine(find_model("splitsr-fast-x4").read(), 1).run(lr)
    one, other = SaturatingEngine(content).run(lr), OnnxEngine(content, 1).run(lr)
    assert psnr(one, other) > 50  # fused sums round otherwise, and are no nearer to float32
    assert abs(psnr(one, full) - psnr(other, full)) < 0.1


def test_the_same_weights_in_8_bits_would_be_wrong(lr: np.ndarray) -> None:
    """What this file is about: a test that fails on any machine if saturation comes back."""
    entry = find_model("splitsr-fast-x4-int8")
    proto = onnx.load_model_from_string(entry.read())
    for value in proto.graph.initializer:
        array = numpy_helper.to_array(value)
        if value.name.endswith("weight_quantized"):
            wide = np.rint(array * (127 / 64)).astype(np.int8)
            value.CopyFrom(numpy_helper.from_array(wide, value.name))
        elif value.name.endswith("weight_scale"):
            value.CopyFrom(numpy_helper.from_array(array * np.float32(64 / 127), value.name))
    assert may_saturate(proto.SerializeToString())
    full = OnnxEngine(find_model("splitsr-fast-x4").read(), 1).run(lr)
    wrong = psnr(SaturatingEngine(proto.SerializeToString()).run(lr), full)
    right = psnr(SaturatingEngine(entry.read()).run(lr), full)
    assert right > 40
    assert wrong < right - 3


def test_int8_keeps_the_quality(repo_root: Path) -> None:
    records = read_precision(repo_root / "results" / "precision.json")
    assert {f"{name}-int8" for name in records} == {entry.name for entry in INT8}
    for name, record in records.items():
        full = find_model(name).figures
        for test, figures in record.figures.items():
            # At x2 the same rounding weighs more: there is less other error.
            allowed = 0.25 if name.endswith("x2") else 0.15
            assert figures.psnr_y > full[test].psnr_y - allowed, (name, test)
    assert records["splitsr-fast-x2"].figures["Set5"].psnr_y >= 36.6


@pytest.mark.parametrize("name", ["splitsr-fast-x2-int8", "splitsr-balanced-x4-int8"])
def test_kernels_without_vnni_give_the_same_bits(name: str, without_vnni: Path) -> None:
    program = (
        "import sys, numpy as np; from splitsr.runtime.loading import load_engine\n"
        "lr = np.random.default_rng(0).random((1, 3, 40, 56), np.float32)\n"
        f"sys.stdout.buffer.write(load_engine({name!r}, 1).run(lr).tobytes())"
    )
    call = [sys.executable, "-c", program]
    hidden = {**WITH_ALL, "LD_PRELOAD": str(without_vnni)}
    one, other = (
        subprocess.run(call, check=True, capture_output=True, env=env, timeout=PATIENCE_S).stdout
        for env in (WITH_ALL, hidden)
    )
    assert len(one) > 10_000
    assert one == other
