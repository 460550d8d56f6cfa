"""Each network trains, is exported, and enlarges a photo."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from splitsr.data.pack import Pack
from splitsr.errors import ConfigError
from splitsr.export.onnx import export_onnx
from splitsr.networks import LIGHT_BLOCKS, spec_to_dict
from splitsr.networks.checkpoint import load_weights
from splitsr.runtime.onnx_engine import OnnxEngine
from splitsr.training.config import config_from_dict
from splitsr.training.log import read_log
from splitsr.training.loop import train
from splitsr.training.state import STATE_FILE
from tests.networks.test_networks import TINY
from tools.parity import compare_export, require_parity

pytestmark = pytest.mark.usefixtures("quick_exports")

LIGHT = {
    kind: {
        "light_block": kind, "n_feats": 8, "n_resgroups": 1, "n_resblocks": 4, "hybrid_index": 1,
        "expansion": 2, "upsampler": "single_step", "image_skip": "nearest",
    }
    for kind in LIGHT_BLOCKS
}  # fmt: skip
NETWORKS = {**{name: spec_to_dict(spec) for name, spec in TINY.items()}, **LIGHT}
TRAINED = [name for name in NETWORKS if name not in ("bilinear", "bicubic")]


def config(model: dict[str, object]) -> dict[str, object]:
    return {
        "name": "tiny",
        "model": model,
        "precision": "float32",
        "optimizer": {"kind": "muon", "learning_rate": 1e-3, "clip_norm": 1.0},
        "stages": [{"steps": 20, "batch_size": 4, "patch_size": 12}],
        "validation": {"images": 1, "crop": 48},
        "log_every": 5,
    }


@pytest.mark.parametrize("name", TRAINED)
def test_train_export_and_enlarge_a_photo(
    name: str,
    pack: Pack,
    tmp_path: Path,
    photo: np.ndarray,
    call_splitsr: Callable[..., subprocess.CompletedProcess[bytes]],
) -> None:
    torch.set_num_threads(1)
    settings = config_from_dict(config(NETWORKS[name]), "test")  # type: ignore[arg-type]
    result = train(settings, pack, tmp_path / "run", device="cpu")
    assert result.finished
    losses = [record.loss for record in read_log(tmp_path / "run") if record.loss is not None]
    assert losses[-1] < losses[0]

    network, onnx = load_weights(result.weights), tmp_path / "net.onnx"
    export_onnx(network, onnx, name="net")
    images = [photo[100:140, 200:250], photo[:21, :30], photo[:2, :3]]
    parity = compare_export(network, OnnxEngine(onnx, 1), images)
    require_parity(parity, name)
    assert parity.max_difference <= 1e-4

    if name in TINY or name == "ghost":
        Image.fromarray(photo[:40, :50]).save(tmp_path / "photo.png")
        done = call_splitsr("upscale", tmp_path / "photo.png", "--model", onnx)
        assert done.returncode == 0, done.stderr
        with Image.open(tmp_path / "photo_x4.png") as larger:
            assert larger.size == (200, 160)


@pytest.mark.parametrize("name", ["bilinear", "bicubic"])
def test_interpolation_is_not_trained_but_exported(
    name: str, tmp_path: Path, photo: np.ndarray
) -> None:
    from splitsr.imaging.resize import resize_bicubic
    from splitsr.networks.build import build_model
    from splitsr.runtime.upscaler import Upscaler

    with pytest.raises(ConfigError, match="interpolation has no weights to train"):
        config_from_dict(config(NETWORKS[name]), "test")  # type: ignore[arg-type]
    network, onnx = build_model(TINY[name]).eval(), tmp_path / "net.onnx"
    export_onnx(network, onnx)
    require_parity(compare_export(network, OnnxEngine(onnx, 1), [photo[:21, :30]]), name)
    larger = Upscaler(onnx, tile=16)(photo[:41, :37])
    if name == "bicubic":
        expected = resize_bicubic(photo[:41, :37], 164, 148)
        assert np.abs(larger.astype(int) - expected).max() <= 1


def test_a_state_of_the_first_version_can_be_resumed(pack: Pack, tmp_path: Path) -> None:
    fields = config({**NETWORKS["split"], "expansion": 6})
    settings = config_from_dict(fields, "test")  # type: ignore[arg-type]
    train(settings, pack, tmp_path, device="cpu", max_minutes=1e-9)
    state = torch.load(tmp_path / STATE_FILE, weights_only=True)
    before = state["config"]
    state["config"] = before.replace("expansion = 6\n", "").replace(
        'light_block = "split"', 'split_conv = "standard"'
    )
    assert len(state["config"]) < len(before)
    torch.save(state, tmp_path / STATE_FILE)
    again = train(settings, pack, tmp_path, device="cpu", resume=True, max_minutes=1e-9)
    assert again.step == 2
