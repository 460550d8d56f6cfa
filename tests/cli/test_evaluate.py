from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image
from skimage import data

from splitsr.evaluation.score import bicubic, evaluate_folder, load_pairs, regardless
from splitsr.export.onnx import export_onnx
from splitsr.networks import SplitSRSpec
from splitsr.networks.build import build_model
from splitsr.networks.checkpoint import save_weights
from tests.conftest import call_main

pytestmark = pytest.mark.usefixtures("quick_exports")

SPLITSR = Path(sys.executable).with_name("splitsr")
SET5 = Path(__file__).resolve().parents[3] / "shared" / "data" / "test" / "Set5"


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return call_main("evaluate", *arguments, text=True)


def measured(*arguments: object) -> dict:
    done = run(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def hr_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("HR")
    Image.fromarray(data.chelsea()[:150, :202]).save(folder / "cat.png")
    Image.fromarray(data.coffee()[:120, :160]).save(folder / "coffee [1].png")
    return folder


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained network that starts from bilinear upsampling, as weights and as ONNX."""
    path = tmp_path_factory.mktemp("weights") / "untrained.safetensors"
    spec = SplitSRSpec(
        scale=2,
        n_feats=8,
        n_resgroups=1,
        n_resblocks=4,
        hybrid_index=1,
        upsampler="single_step",
        image_skip="bilinear",
        channel_attention=False,
    )
    torch.manual_seed(0)
    model = build_model(spec)
    save_weights(path, spec, model.state_dict())
    export_onnx(model, path.with_suffix(".onnx"), name="untrained")
    return path


def test_bicubic_on_set5_has_the_published_figure() -> None:
    if not SET5.is_dir():
        pytest.skip(f"no test images: {SET5} is missing")
    call = [SPLITSR, "evaluate", "bicubic", "--scale", "4", "--hr", SET5 / "HR", "--json"]
    done = subprocess.run([*call, "--lr", SET5 / "LR_bicubic"], capture_output=True, check=True)
    result = json.loads(done.stdout)
    fields = "model scale degrade restore psnr_y ssim_y bicubic_psnr_y bicubic_ssim_y images"
    assert list(result) == fields.split()
    assert (result["model"], result["scale"], result["degrade"]) == ("bicubic", 4, None)
    assert result["psnr_y"] == result["bicubic_psnr_y"] == pytest.approx(28.43, abs=0.01)
    assert result["ssim_y"] == result["bicubic_ssim_y"] == pytest.approx(0.8111, abs=1e-3)
    names = [image["name"] for image in result["images"]]
    assert names == ["baby.png", "bird.png", "butterfly.png", "head.png", "woman.png"]


def test_weights_and_onnx_measure_the_same(weights: Path, hr_dir: Path) -> None:
    from_torch = measured(weights, "--hr", hr_dir)
    from_onnx = measured(weights.with_suffix(".onnx"), "--hr", hr_dir, "--threads", 1)
    assert from_torch["scale"] == from_onnx["scale"] == 2
    assert from_onnx["psnr_y"] == pytest.approx(from_torch["psnr_y"], abs=1e-3)
    assert from_onnx["ssim_y"] == pytest.approx(from_torch["ssim_y"], abs=1e-4)
    assert from_onnx["psnr_y"] != from_onnx["bicubic_psnr_y"]
    expected = evaluate_folder(regardless(bicubic(2)), 2, hr_dir).bicubic
    assert from_onnx["bicubic_psnr_y"] == pytest.approx(expected.psnr_y)
    assert [image["bicubic_ssim_y"] for image in from_onnx["images"]] == pytest.approx(
        [score.ssim_y for score in expected.images]
    )


def test_luma_can_be_rounded_and_edges_chosen(hr_dir: Path) -> None:
    plain = measured("bicubic", "--scale", 3, "--hr", hr_dir)
    rounded = measured("bicubic", "--scale", 3, "--hr", hr_dir, "--round-y")
    clamped = measured("bicubic", "--scale", 3, "--hr", hr_dir, "--edge", "clamp")
    assert len({plain["psnr_y"], rounded["psnr_y"], clamped["psnr_y"]}) == 3
    for other in (rounded, clamped):
        assert other["psnr_y"] == pytest.approx(plain["psnr_y"], abs=0.2)


def test_lr_images_can_be_degraded(hr_dir: Path) -> None:
    clean = measured("bicubic", "--scale", 2, "--hr", hr_dir)
    degraded = measured("bicubic", "--scale", 2, "--hr", hr_dir, "--degrade", "jpeg=60, noise=5.0")
    assert degraded["degrade"] == "noise=5,jpeg=60"
    assert degraded["bicubic_psnr_y"] < clean["bicubic_psnr_y"] - 1
    assert "x2, avif=40" in run(
        "bicubic", "--scale", 2, "--hr", hr_dir, "--degrade", "avif=40"
    ).stdout.replace("\n", " ")
    done = run("bicubic", "--scale", 2, "--hr", hr_dir, "--degrade", "jpeg=200")
    expected = "splitsr: degrade: jpeg: found '200'; must be a whole number, 1 to 100\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", expected)


def test_a_degraded_image_is_restored_as_a_file_would_be(
    hr_dir: Path, restoring_model: Path, tiny_model: Path
) -> None:
    plain = measured(tiny_model, "--hr", hr_dir)
    assert measured(restoring_model, "--hr", hr_dir) == {**plain, "model": str(restoring_model)}
    assert plain["restore"] == 0
    degrade = ("--hr", hr_dir, "--degrade", "jpeg=20")
    found = {
        restore: measured(restoring_model, *degrade, "--restore", restore)
        for restore in ("off", "0.5", "1")
    }
    assert [one["restore"] for one in found.values()] == [0, 0.5, 1]
    assert len({one["psnr_y"] for one in found.values()}) == 3
    assert measured(restoring_model, *degrade) == found["1"]
    assert [image["restore"] for image in found["1"]["images"]] == [1, 1]
    assert "restored at 0.50" in run(restoring_model, *degrade, "--restore", "0.5").stdout.replace(
        "\n", " "
    )


def test_what_cannot_restore_is_refused(hr_dir: Path, tiny_model: Path) -> None:
    for model in ("bicubic", tiny_model):
        done = run(model, "--scale", 4, "--hr", hr_dir, "--restore", "0.5")
        assert done.returncode == 2
        assert "has no twin" in done.stderr
        assert "leave out --restore" in done.stderr


def test_equal_images_are_null_in_json_and_inf_in_the_table(tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), "teal").save(tmp_path / "flat.png")
    assert measured("bicubic", "--scale", 4, "--hr", tmp_path)["psnr_y"] is None
    assert "inf" in run("bicubic", "--scale", 4, "--hr", tmp_path).stdout


def test_the_table_has_every_image_and_the_mean(hr_dir: Path) -> None:
    done = run("bicubic", "--scale", 4, "--hr", hr_dir)
    assert done.returncode == 0
    result = evaluate_folder(regardless(bicubic(4)), 4, hr_dir)
    for name, score in [("cat.png", result.method.images[0]), ("mean", result.method)]:
        [line] = [line for line in done.stdout.splitlines() if name in line]
        assert line.count(f"{score.psnr_y:.2f}") == line.count(f"{score.ssim_y:.4f}") == 2
    assert "coffee [1].png" in done.stdout


def test_lr_images_that_do_not_fit_are_named(hr_dir: Path, tmp_path: Path) -> None:
    [pair, _] = load_pairs(hr_dir, 4)
    Image.fromarray(pair.lr).save(tmp_path / "catx4.png")
    done = run("bicubic", "--scale", 4, "--hr", hr_dir, "--lr", tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"splitsr: {tmp_path}: no LR image for coffee [1].png; looked")
    assert done.stderr.count("\n") == 1


def test_models_that_cannot_be_had_are_one_line(hr_dir: Path, tmp_path: Path) -> None:
    missing = {"splitsr-balanced-x5": 2, tmp_path / "no.onnx": 1, tmp_path / "no.safetensors": 1}
    for model, code in missing.items():
        done = run(model, "--hr", hr_dir)
        assert (done.returncode, done.stderr.count("\n")) == (code, 1), done.stderr
        assert Path(model).stem in done.stderr


def test_wrong_calls_have_exit_code_2(hr_dir: Path, tmp_path: Path) -> None:
    done = run("bicubic", "--hr", hr_dir)
    assert done.returncode == 2
    assert "bicubic needs a --scale" in done.stderr
    assert run("bicubic", "--scale", 4, "--hr", tmp_path / "gone").returncode == 2
    assert run("bicubic", "--scale", 1, "--hr", hr_dir).returncode == 2
