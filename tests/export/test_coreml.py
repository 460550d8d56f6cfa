"""Core ML packages: read back and computed by PyTorch anywhere, run by Core ML on macOS."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from splitsr.export.backends import Backend
from splitsr.export.target import Precision, Source, Target
from splitsr.imaging.arrays import to_nchw
from splitsr.networks.checkpoint import load_weights
from splitsr.networks.network import Network
from splitsr.networks.splitsr.inference_form import inference_form
from splitsr.zoo import list_models
from splitsr.zoo.catalogue import find_model

MODELS = ["splitsr-fast-x4", "splitsr-accurate-x2"]
TYPES = {"fp32": torch.float32, "fp16": torch.float16}

pytestmark = [
    pytest.mark.skipif(not list_models(), reason="no models in the catalogue yet"),
    pytest.mark.usefixtures("quick_core_ml"),
]


def exported(model: str, target: Target, folder: Path) -> tuple[Network, Path]:
    network = load_weights(find_model(model).weights_path)
    path = folder / "net.mlpackage"
    Backend("coreml").build(Source(inference_form(network), network.spec, model), target, path)
    return network, path


def computed(path: Path, lr: Tensor) -> Tensor:
    """What the program in a package gives, operator by operator, by PyTorch."""
    import coremltools as ct
    from coremltools.converters.mil.frontend.milproto import load

    spec = ct.utils.load_spec(str(path))
    weights = path / "Data" / "com.apple.CoreML" / "weights"
    program = load.load(spec, spec.specificationVersion, str(weights))
    function = program.functions["main"]
    values: dict[str, Tensor] = {"lr": lr}

    def value(port: Any) -> Any:
        return values[port.name] if port.name in values else torch.from_numpy(np.asarray(port.val))

    for op in function.operations:
        if op.op_type == "const":
            continue
        assert op.op_type in OPERATORS, op.op_type
        values[op.outputs[0].name] = OPERATORS[op.op_type](op, value)
    return values[function.outputs[0].name]


def _conv(op: Any, value: Callable[[Any], Any]) -> Tensor:
    pad = {"valid": 0, "same": "same", "custom": int(op.pad.val[0]) if op.pad is not None else 0}
    bias = None if op.bias is None else value(op.bias)
    return functional.conv2d(
        value(op.x), value(op.weight), bias, padding=pad[op.pad_type.val], groups=int(op.groups.val)
    )


OPERATORS: dict[str, Callable[[Any, Callable[[Any], Any]], Tensor]] = {
    "cast": lambda op, value: value(op.x).to(TYPES[op.dtype.val]),
    "relu": lambda op, value: value(op.x).relu(),
    "add": lambda op, value: value(op.x) + value(op.y),
    "conv": _conv,
    "pixel_shuffle": lambda op, value: functional.pixel_shuffle(
        value(op.x), int(op.upscale_factor.val)
    ),
}


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize("model", MODELS)
def test_the_program_in_a_package_is_the_network(
    model: str, precision: Precision, photo: np.ndarray, tmp_path: Path
) -> None:
    network, path = exported(model, Target(format="coreml", precision=precision), tmp_path)
    lr = torch.from_numpy(to_nchw(photo[100:124, 200:232]))
    with torch.inference_mode():
        difference = (computed(path, lr).float() - network(lr)).abs().max()
    assert difference < (1e-5 if precision == "fp32" else 1 / 255)


def test_a_package_says_what_it_takes(tmp_path: Path) -> None:
    import coremltools as ct

    _, path = exported("splitsr-fast-x4", Target(format="coreml"), tmp_path)
    description = ct.utils.load_spec(str(path)).description
    (lr,), (sr,) = description.input, description.output
    assert (lr.name, sr.name) == ("lr", "sr")
    sides = [(r.lowerBound, r.upperBound) for r in lr.type.multiArrayType.shapeRange.sizeRanges]
    assert sides == [(1, 1), (3, 3), (8, 2048), (8, 2048)]
    kind = lr.type.multiArrayType.FLOAT32
    assert lr.type.multiArrayType.dataType == sr.type.multiArrayType.dataType == kind
    assert description.metadata.userDefined["splitsr.name"] == "splitsr-fast-x4"

    _, path = exported("splitsr-fast-x4", Target(format="coreml", size=(20, 28)), tmp_path)
    (lr,) = ct.utils.load_spec(str(path)).description.input
    assert list(lr.type.multiArrayType.shape) == [1, 3, 20, 28]


def test_the_command_writes_a_package_whole(
    run_splitsr: Callable[..., subprocess.CompletedProcess[bytes]],
    call_splitsr: Callable[..., subprocess.CompletedProcess[bytes]],
    tmp_path: Path,
) -> None:
    path = tmp_path / "fast.mlpackage"
    call = ("export", "splitsr-fast-x4", "--format", "coreml", "--json", "-o", path)
    result = run_splitsr(*call)
    assert (result.returncode, result.stderr) == (0, b"")
    report = json.loads(result.stdout)
    assert {file["path"] for file in report["files"]} == {
        str(file) for file in path.rglob("*") if file.is_file()
    }
    assert (report["images"] == 0) == (report["loss_db"] is None) == (sys.platform != "darwin")
    again = call_splitsr(*call)
    assert again.returncode == 1
    assert b"replace it with --overwrite" in again.stderr
    smaller = call_splitsr(*call, "--overwrite", "--precision", "fp16")
    assert smaller.returncode == 0, smaller.stderr
    sizes = [sum(f["size"] for f in json.loads(r.stdout)["files"]) for r in (result, smaller)]
    assert sizes[1] < 0.6 * sizes[0]


@pytest.mark.skipif(sys.platform != "darwin", reason="Core ML runs on macOS only")
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize("model", MODELS)
def test_core_ml_gives_what_the_network_does(
    model: str, precision: Precision, photo: np.ndarray, tmp_path: Path
) -> None:
    target = Target(format="coreml", precision=precision)
    network, path = exported(model, target, tmp_path)
    engine = Backend("coreml").engine(path, network.spec, target)
    for lr in (to_nchw(photo[:64, :96]), to_nchw(photo[:33, :40])):
        with torch.inference_mode():
            expected = network(torch.from_numpy(lr)).numpy()
        assert np.abs(engine.run(lr) - expected).max() < (1e-3 if precision == "fp32" else 2 / 255)
