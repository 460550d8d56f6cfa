"""`splitsr export`: what it writes, reports and refuses."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from PIL import Image

from splitsr.export.backends import Backend
from splitsr.export.onnx import export_onnx
from splitsr.export.target import RUNTIMES, Format, Precision, Target
from splitsr.imaging.resize import rescale_bicubic
from splitsr.networks import ModelSpec
from splitsr.networks.build import build_model
from splitsr.networks.checkpoint import load_weights, save_weights
from splitsr.runtime.upscaler import Upscaler

pytestmark = pytest.mark.usefixtures("quick_exports")

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory, tiny_spec: ModelSpec) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "tiny-x4.safetensors"
    save_weights(path, tiny_spec, build_model(tiny_spec).state_dict())
    return path


def test_the_report_is_what_was_written(run_splitsr: Run, weights: Path, tmp_path: Path) -> None:
    path = tmp_path / "tiny.tflite"
    result = run_splitsr("export", weights, "--format", "litert", "--json", "-o", path)
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["files"] == [{"path": str(path), "size": path.stat().st_size}]
    assert (report["layout"], report["size"], report["images"]) == ("nhwc", None, 3)
    assert abs(report["loss_db"]) <= 0.01
    assert report["loss_db"] == report["reference_psnr_y"] - report["psnr_y"]
    assert report["runtime"].startswith("ai-edge-litert ")


def test_an_int8_export_upscales(call_splitsr: Run, tmp_path: Path, photo: np.ndarray) -> None:
    path = tmp_path / "fast.onnx"
    options = ("--format", "onnx", "--precision", "int8")
    result = call_splitsr("export", "splitsr-fast-x4", *options, "-o", path)
    assert result.returncode == 0, result.stderr
    assert b"dB lost (allowed: 0.15)" in result.stdout
    lr = photo[100:150, 200:260]
    one, other = Upscaler(path)(lr), Upscaler("splitsr-fast-x4")(lr)
    difference = np.abs(one.astype(int) - other)
    assert 0 < difference.mean() < 1


@pytest.fixture(scope="module")
def pair_folder(tiny_spec: ModelSpec, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights with those of a twin beside them; both are exported, too."""
    folder = tmp_path_factory.mktemp("pair")
    for seed, name in enumerate(("tiny-x4", "tiny-restore-x4")):
        torch.manual_seed(seed)
        network = build_model(tiny_spec).eval()
        path = folder / f"{name}.safetensors"
        save_weights(path, tiny_spec, network.state_dict())
        export_onnx(network, path.with_suffix(".onnx"), name=name)
    return folder


@pytest.fixture
def pair(pair_folder: Path, tmp_path: Path) -> Path:
    """The weights of a copy of them."""
    shutil.copytree(pair_folder, tmp_path, dirs_exist_ok=True)
    return tmp_path / "tiny-x4.safetensors"


@pytest.mark.parametrize(
    ("kind", "precision"), [("onnx", "fp32"), ("onnx", "int8"), ("litert", "fp32")]
)
def test_an_export_restores_as_upscale_does(
    call_splitsr: Run, pair: Path, photo: np.ndarray, kind: Format, precision: Precision
) -> None:
    path = pair.with_name(f"out{RUNTIMES[kind].suffixes[0]}")
    options = ("--format", kind, "--precision", precision, "--restore", 0.75, "-o", path)
    result = call_splitsr("export", pair, *options, "--json")
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert (report["restore"], report["model"]) == (0.75, "tiny-restore0.75-x4")
    if kind in ("onnx", "litert"):
        assert b"tiny-restore0.75-x4" in path.read_bytes()
    target = Target(format=kind, precision=precision, layout=RUNTIMES[kind].layout)
    engine = Backend(kind).engine(path, load_weights(pair).spec, target)
    lr = photo[100:150, 200:260]
    expected = Upscaler(pair.with_suffix(".onnx"), restore=0.75)(lr).astype(int)
    limit = 1 if precision == "fp32" else 12
    assert np.abs(Upscaler(engine)(lr) - expected).max() <= limit
    assert np.abs(Upscaler(pair.with_suffix(".onnx"))(lr) - expected).max() > limit


@pytest.mark.parametrize(
    ("strength", "twin", "message"),
    [
        ("auto", True, "found 'auto'; a file has one strength: give a number from 0 to 1"),
        ("1.5", True, "found '1.5'; must be auto, off, or a number from 0 to 1"),
        ("0.5", False, "tiny-x4: has no twin for degraded images (tiny-restore-x4)"),
    ],
)
def test_a_strength_that_a_file_cannot_have_is_refused(
    call_splitsr: Run, pair: Path, strength: str, twin: bool, message: str
) -> None:
    if not twin:
        pair.with_name("tiny-restore-x4.safetensors").unlink()
    path = pair.with_name("out.onnx")
    result = call_splitsr("export", pair, "--format", "onnx", "--restore", strength, "-o", path)
    assert result.returncode == 2
    assert message in result.stderr.decode()
    assert not path.exists()


def test_a_twin_of_another_network_is_refused(
    call_splitsr: Run, pair: Path, tiny_spec: ModelSpec
) -> None:
    wider = msgspec.structs.replace(tiny_spec, n_feats=16)
    twin = pair.with_name("tiny-restore-x4.safetensors")
    save_weights(twin, wider, build_model(wider).state_dict())
    path = pair.with_name("out.onnx")
    result = call_splitsr("export", pair, "--format", "onnx", "--restore", 0.5, "-o", path)
    assert result.returncode == 1
    assert b"is of another network than the model" in result.stderr
    assert result.stderr.count(b"\n") == 1
    assert not path.exists()


def test_an_export_that_is_not_the_network_is_not_written(
    call_splitsr: Run, tmp_path: Path, tiny_spec: ModelSpec
) -> None:
    network = build_model(tiny_spec)
    with torch.no_grad():
        network.head.weight.mul_(1e7)  # more than float16 holds  # type: ignore[operator, union-attr]
    weights, path = tmp_path / "huge.safetensors", tmp_path / "huge.onnx"
    save_weights(weights, tiny_spec, network.state_dict())
    options = ("--format", "onnx", "--precision", "fp16", "-o", path)
    result = call_splitsr("export", weights, *options)
    assert result.returncode == 1
    assert result.stdout == b""
    (line,) = result.stderr.decode().splitlines()
    assert line.startswith("splitsr: huge: the fp16 onnx export loses ")
    assert line.endswith("; nothing was written")
    assert not path.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--format", "ncnn", "-o", "x.onnx"), "must end in .param"),
        (("--format", "ncnn", "--layout", "nhwc", "-o", "x.param"), "planes: --layout nchw"),
        (("--format", "ncnn", "--precision", "int8", "-o", "x.param"), "ncnn2int8"),
        (("--format", "onnx", "--input", "4x4", "-o", "x.onnx"), "at least 8x8"),
    ],
)
def test_a_wrong_call_is_refused(
    call_splitsr: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...], message: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    result = call_splitsr("export", "splitsr-fast-x4", *options)
    assert result.returncode == 2
    assert message in result.stderr.decode()
    assert not list(tmp_path.iterdir())


def test_an_int8_model_is_no_start(call_splitsr: Run, tmp_path: Path) -> None:
    path = tmp_path / "x.onnx"
    result = call_splitsr("export", "splitsr-fast-x4-int8", "--format", "onnx", "-o", path)
    assert result.returncode == 2
    assert b"give splitsr-fast-x4 and --precision int8" in result.stderr
    assert not path.exists()


@pytest.mark.usefixtures("quick_lowering")
def test_an_export_to_executorch_tells_its_sizes(
    call_splitsr: Run, weights: Path, tmp_path: Path
) -> None:
    result = call_splitsr("export", weights, "--format", "executorch", "-o", tmp_path / "x.pte")
    assert result.returncode == 0, result.stderr
    assert b"tiny-x4: ExecuTorch, fp32, nchw, 8x8 to 512x512\n" in result.stdout


def test_the_best_model_exports_to_litert_in_int8(call_splitsr: Run, tmp_path: Path) -> None:
    path = tmp_path / "x.tflite"
    options = ("--format", "litert", "--precision", "int8", "-o", path)
    result = call_splitsr("export", "splitsr-accurate-x2", *options)
    assert result.returncode == 0, result.stderr


def test_a_network_is_exported_by_its_name(
    call_splitsr: Run, tmp_path: Path, photo: np.ndarray
) -> None:
    path = tmp_path / "bicubic.onnx"
    result = call_splitsr("export", "bicubic-x3", "--format", "onnx", "-o", path)
    assert result.returncode == 0, result.stderr
    lr = photo[100:140, 200:260]
    exact = rescale_bicubic(lr, 3).astype(int)  # rounded between two passes
    assert np.abs(Upscaler(path)(lr) - exact).max() <= 1
    result = call_splitsr("export", "paper", "--format", "onnx", "--restore", "1", "-o", path)
    assert result.returncode != 0
    assert b"paper: has no twin" in result.stderr


def test_an_onnx_file_is_no_start(call_splitsr: Run, tiny_model: Path, tmp_path: Path) -> None:
    result = call_splitsr("export", tiny_model, "--format", "onnx", "-o", tmp_path / "x.onnx")
    assert result.returncode == 2
    assert b"give a .safetensors file or a name" in result.stderr


def test_an_output_that_exists_is_kept(call_splitsr: Run, weights: Path, tmp_path: Path) -> None:
    (tmp_path / "x.bin").write_bytes(b"mine")
    call = ("export", weights, "--format", "ncnn", "-o", tmp_path / "x.param")
    result = call_splitsr(*call)
    assert result.returncode == 1
    assert b"x.bin: already exists; replace it with --overwrite" in result.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["x.bin"]
    result = call_splitsr(*call, "--overwrite")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "x.bin").read_bytes() != b"mine"


@pytest.mark.parametrize(
    ("kind", "suffix", "package"),
    [
        ("litert", ".tflite", "ai_edge_litert"),
        ("ncnn", ".param", "pnnx"),
        ("executorch", ".pte", "executorch"),
        ("coreml", ".mlpackage", "coremltools"),
    ],
)
def test_a_missing_package_is_one_line(
    call_splitsr: Run, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    kind: str, suffix: str, package: str,
) -> None:  # fmt: skip
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    for name in [name for name in sys.modules if name.startswith(f"splitsr.export.{kind}")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    path = tmp_path / f"x{suffix}"
    result = call_splitsr("export", weights, "--format", kind, "-o", path)
    assert result.returncode == 1
    (line,) = result.stderr.decode().splitlines()
    assert line.startswith("splitsr: export to ")
    assert line.endswith(f"needs {package}: pip install 'splitsr[{kind}]'")
    assert not path.exists()


def test_photos_of_ones_own(
    call_splitsr: Run, weights: Path, tmp_path: Path, photo: np.ndarray
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    call = ("export", weights, "--format", "ncnn", "-o", tmp_path / "x.param", "--images", folder)
    result = call_splitsr(*call)
    assert result.returncode == 1
    Image.fromarray(photo[:90, :120]).save(folder / "one.png")
    result = call_splitsr(*call, "--json", "--input", "32x40")
    assert result.returncode == 0, result.stderr
    report = msgspec.json.decode(result.stdout)
    assert (report["images"], report["size"]) == (1, [32, 40])
