"""Fixtures that several parts of the tests use."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import patch

import click
import numpy as np
import pytest
from click.testing import CliRunner

from splitsr.cli.main import _run, cli
from splitsr.networks import ModelSpec, SplitSRSpec, spec_to_json
from tests.patience import PATIENCE_S
from tests.untraced import calls_untraced, untraced

# The tightest case of a halo: every convolution of this network counts in the spec's radius.
TINY = SplitSRSpec(
    scale=4,
    n_feats=8,
    n_resgroups=1,
    n_resblocks=1,
    split_ratio=1.0,
    hybrid_index=1,
    channel_attention=False,
    upsampler="single_step",
    image_skip="nearest",
)
_HIDDEN_CONVOLUTIONS = 4


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_is_heard() -> Iterator[None]:
    """A shell's background jobs, and so tests that run as one, ignore Ctrl-C; so do children."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def repo_root() -> Path:
    return Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data(repo_root: Path) -> Path:
    """The image data beside the repository."""
    folder = repo_root.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no image data: there is no ../shared/data beside the repository")
    return folder


@pytest.fixture(scope="session")
def photo() -> np.ndarray:
    """A real photograph, 512x512 RGB."""
    from skimage import data

    return data.astronaut()


@pytest.fixture(scope="session")
def tiny_spec() -> ModelSpec:
    """The network of `tiny_model`: 4x, receptive radius 5."""
    return TINY


@pytest.fixture(scope="session")
def make_model() -> Callable[..., Path]:
    """Writes an ONNX model with random weights for a spec like `tiny_spec`."""
    return write_model


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ONNX file of `tiny_spec`."""
    return write_model(tmp_path_factory.mktemp("models") / "tiny-x4.onnx", TINY)


@pytest.fixture(scope="session")
def restoring_model(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    """A copy of `tiny_model` with a twin for degraded images beside it, `tiny-restore-x4`."""
    folder = tmp_path_factory.mktemp("restoring")
    model = folder / "tiny-x4.onnx"
    model.write_bytes(tiny_model.read_bytes())
    write_twin(model, folder / "tiny-restore-x4.onnx")
    return model


@pytest.fixture
def int8_model(
    restoring_model: Path, photo: np.ndarray, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The int8 form of `restoring_model`, with that of its twin beside it."""
    import onnx

    from splitsr.export.quantize import quantize_onnx

    folder = tmp_path_factory.mktemp("int8")
    for path in restoring_model.parent.iterdir():
        quantized = quantize_onnx(onnx.load(path), [photo[:64, :64]])
        onnx.save(quantized, folder / path.name)
    return folder / restoring_model.name


@pytest.fixture
def run_splitsr() -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """Runs the command line in a process of its own."""

    def run(*arguments: object, **options: object) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(  # type: ignore[call-overload, no-any-return]
            [sys.executable, "-c", "from splitsr.cli.main import main; main()"]
            + [str(argument) for argument in arguments],
            capture_output=True,
            env={**os.environ, "COLUMNS": "200"},
            timeout=PATIENCE_S,
            **options,
        )

    return run


@pytest.fixture(scope="session")
def call_splitsr() -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """Runs the command line in this process: for what a process of its own would not change."""
    return call_main


@pytest.fixture(scope="session")
def quick_exports() -> Iterator[None]:
    """PyTorch's exporters parse their 500 operators once, not for each export, and untraced."""
    from torch.onnx._internal.exporter._registration import ONNXRegistry

    read = cache(ONNXRegistry.from_torchlib)
    with (
        patch.object(ONNXRegistry, "from_torchlib", staticmethod(read)),
        calls_untraced(
            "torch.onnx.export", "torch.onnx.ONNXProgram.optimize", "torch.export.export"
        ),
    ):
        yield


@pytest.fixture(scope="session")
def quick_lowering() -> Iterator[None]:
    """ExecuTorch is imported and called untraced."""
    from splitsr.export.quiet import quiet

    with quiet():
        untraced(import_module)("executorch.backends.xnnpack.partition.xnnpack_partitioner")
    with calls_untraced(
        "splitsr.export.executorch.to_edge_transform_and_lower",
        "executorch.exir.EdgeProgramManager.to_executorch",
        "torchao.quantization.pt2e.quantize_pt2e.prepare_pt2e",
        "torchao.quantization.pt2e.quantize_pt2e.convert_pt2e",
    ):
        yield


@pytest.fixture(scope="session")
def quick_core_ml() -> Iterator[None]:
    """So is coremltools."""
    from splitsr.export.quiet import quiet

    with quiet():
        untraced(import_module)("coremltools")
    with calls_untraced("coremltools.convert"):
        yield


def call_main(
    *arguments: object, group: click.Group = cli, text: bool = False
) -> subprocess.CompletedProcess[Any]:
    """What `run_splitsr` gives, without the seconds in which a process starts."""
    words = ["splitsr", *map(str, arguments)]
    runner = CliRunner(env={"COLUMNS": "200"})
    with patch.object(sys, "argv", words), runner.isolation() as (stdout, stderr, _):
        code = _run(group)
        sys.stdout.flush()
        sys.stderr.flush()
        printed = [stream.getvalue() for stream in (stdout, stderr)]
    return subprocess.CompletedProcess(
        words, code, *(found.decode() if text else found for found in printed)
    )


def write_twin(model: Path, path: Path) -> None:
    """Writes a network like another, with other weights and a name of its own."""
    import onnx

    proto = onnx.load(model)
    rng = np.random.default_rng(8)
    for tensor in proto.graph.initializer:
        if tensor.name != "sizes":
            values = onnx.numpy_helper.to_array(tensor)
            changed = values * rng.uniform(0.8, 1.2, values.shape).astype(np.float32)
            tensor.raw_data = changed.tobytes()
    for entry in proto.metadata_props:
        if entry.key == "splitsr.name":
            entry.value = path.stem
    onnx.save(proto, path)


def write_model(
    path: Path, spec: ModelSpec, *, name: str | None = "tiny-x4", metadata: bool = True
) -> Path:
    """Writes a chain of 3x3 convolutions, a sub-pixel shuffle and a nearest-neighbour skip.

    With channel attention in the spec, a global average over the features scales the output.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(7)
    size = spec.scale
    widths = [3, *[spec.n_feats] * _HIDDEN_CONVOLUTIONS, 3 * size**2]
    nodes, weights, last = [], [], "lr"
    for index, (before, after) in enumerate(pairwise(widths)):
        # The last one is small, so that little of the output is clamped.
        gain = 0.2 if after == widths[-1] else 1.0
        kernel = rng.normal(0, gain * (1 / (9 * before)) ** 0.5, (after, before, 3, 3))
        weights.append(numpy_helper.from_array(kernel.astype(np.float32), f"kernel{index}"))
        convolved = f"convolved{index}"
        nodes.append(
            helper.make_node("Conv", [last, f"kernel{index}"], [convolved], pads=[1, 1, 1, 1])
        )
        last = convolved
    if spec.channel_attention:
        nodes += [
            helper.make_node("GlobalAveragePool", ["lr"], ["mean"]),
            helper.make_node("ReduceMean", ["mean"], ["tone"], keepdims=1),
            helper.make_node("Mul", [last, "tone"], ["attended"]),
        ]
        last = "attended"
    weights.append(numpy_helper.from_array(np.array([1, 1, size, size], np.float32), "sizes"))
    nodes += [
        helper.make_node("DepthToSpace", [last], ["detail"], blocksize=size, mode="CRD"),
        helper.make_node(
            "Resize",
            ["lr", "", "sizes"],
            ["base"],
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        ),
        helper.make_node("Add", ["detail", "base"], ["sr"]),
    ]
    ports = [
        helper.make_tensor_value_info(
            port, TensorProto.FLOAT, ["batch", 3, f"{port}_h", f"{port}_w"]
        )
        for port in ("lr", "sr")
    ]
    graph = helper.make_graph(nodes, "tiny", ports[:1], ports[1:], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    if metadata:
        properties = {"splitsr.spec": spec_to_json(spec)}
        helper.set_model_props(model, {**properties, **({"splitsr.name": name} if name else {})})
    onnx.save(model, path)
    return path
