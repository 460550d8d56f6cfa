"""`splitsr calibrate` and `splitsr upscale --dispatch`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory, photo: np.ndarray) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    Image.fromarray(photo[:320, :384]).save(folder / "top.png")
    Image.fromarray(photo[200:, 100:]).save(folder / "bottom.png")
    return folder


def test_a_wanted_loss_is_met_and_the_file_is_used(
    run_splitsr: Run, call_splitsr: Run, photos: Path, tmp_path: Path
) -> None:
    path, out = tmp_path / "found.json", tmp_path / "out.png"
    # What is shared depends on the times measured: on every CPU, bilinear is worth it.
    options = ("--light", "bilinear", "--max-loss", 1, "--threads", 1, "--json")

    made = run_splitsr("calibrate", photos, *options, "-o", path)

    assert made.returncode == 0, made.stderr
    found = json.loads(made.stdout)
    assert json.loads(path.read_text()) == found
    assert 0 < found["loss"] <= 1
    assert found["share"] > 0.1
    assert found["images"] == 2
    refused = call_splitsr("calibrate", photos, *options, "-o", path)
    assert refused.returncode == 1
    assert b"already exists" in refused.stderr

    used = call_splitsr("upscale", photos / "top.png", "--dispatch", path, "-o", out, "--json")
    assert used.returncode == 0, used.stderr
    (result,) = json.loads(used.stdout)["results"]
    assert result["model"] == "splitsr-balanced-x4 with bilinear"
    with Image.open(out) as image:
        assert image.size == (4 * 384, 4 * 320)


def test_a_wanted_share_is_met(call_splitsr: Run, photos: Path) -> None:
    made = call_splitsr(
        "calibrate", photos, "--light", "bilinear", "--share", 0.4, "--threads", 1, "--json"
    )
    assert made.returncode == 0, made.stderr
    found = json.loads(made.stdout)
    assert 0.4 <= found["share"] < 0.6
    assert found["loss"] > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "one of --share and --max-loss"),
        (["--share", "0.5", "--max-loss", "0.1"], "one of --share and --max-loss"),
        (["--share", "2"], "--share"),
        (["--share", "0.5", "--model", "splitsr-blanced-x4"], "did you mean"),
        (["--share", "0.5", "-o", "found.toml"], "must end in .json"),
    ],
)
def test_a_wrong_call(call_splitsr: Run, photos: Path, arguments: list[str], message: str) -> None:
    result = call_splitsr("calibrate", photos, *arguments)
    assert result.returncode == 2
    assert message in result.stderr.decode()
    assert b"Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dispatch", "bicubic"], "splitsr calibrate"),
        (["--dispatch-threshold", "3"], "needs --dispatch"),
        (["--dispatch", "missing.json"], "missing.json: cannot be read"),
        (["--dispatch", "a.json", "--model", "splitsr-fast-x4"], "leave --model out"),
        (["--dispatch", "splitsr-fats"], "no model 'splitsr-fats'"),
    ],
)
def test_a_wrong_dispatch(
    call_splitsr: Run, photos: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    out = tmp_path / "out.png"
    result = call_splitsr("upscale", photos / "top.png", "-o", out, *arguments)
    assert result.returncode in (1, 2)
    assert message in result.stderr.decode()
    assert b"Traceback" not in result.stderr
    assert not out.exists()


def test_slower_is_not_light(call_splitsr: Run, photos: Path) -> None:
    result = call_splitsr(
        "calibrate", photos, "--model", "splitsr-fast-x4", "--light", "splitsr-balanced-x4",
        "--share", 0.5, "--threads", 1,
    )  # fmt: skip
    assert result.returncode == 1
    assert b"name a faster one" in result.stderr


def test_a_large_photo_is_dispatched_in_tiles(
    call_splitsr: Run, photos: Path, tmp_path: Path
) -> None:
    """Patches lie elsewhere in other tiles, and some take the other network; no more differs."""
    dispatch = ("--dispatch", "splitsr-fast", "--tile")
    ways = {
        "small": (*dispatch, 64),
        "large": (*dispatch, 400),
        "heavy": ("--model", "splitsr-balanced"),
        "light": ("--model", "splitsr-fast"),
    }
    pictures = {}
    for name, options in ways.items():
        out = tmp_path / f"{name}.png"
        result = call_splitsr("upscale", photos / "bottom.png", "-o", out, "--scale", 2.5, *options)
        assert result.returncode == 0, result.stderr
        pictures[name] = np.asarray(Image.open(out)).astype(int)
    assert pictures["small"].shape == pictures["large"].shape == (780, 1030, 3)
    between_tiles = np.abs(pictures["small"] - pictures["large"])
    between_networks = np.abs(pictures["heavy"] - pictures["light"])
    assert between_tiles.mean() < between_networks.mean()
