from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from skimage import data

from splitsr.errors import MissingDependencyError, UnknownModelError, WeightsError
from splitsr.evaluation.upscalers import find_upscaler
from splitsr.imaging.arrays import from_nchw, to_nchw
from splitsr.imaging.resize import rescale_bicubic
from splitsr.networks import SplitSRSpec
from splitsr.networks.build import build_model
from splitsr.networks.checkpoint import save_weights


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    spec = SplitSRSpec(scale=2, n_feats=8, n_resgroups=1, hybrid_index=1, reduction=4)
    torch.manual_seed(1)
    save_weights(path, spec, build_model(spec).state_dict())
    return path


def test_bicubic_is_that_of_matlab() -> None:
    method = find_upscaler("bicubic", scale=3, edge="clamp")
    assert (method.name, method.scale) == ("bicubic", 3)
    lr = data.chelsea()[:40, :50]
    np.testing.assert_array_equal(method.upscale(lr), rescale_bicubic(lr, 3, edge="clamp"))


def test_bicubic_needs_a_scale() -> None:
    with pytest.raises(ValueError, match="scale: bicubic has none of its own"):
        find_upscaler("bicubic")


def test_weights_run_as_the_network_does(weights: Path) -> None:
    from splitsr.networks.checkpoint import load_weights

    method = find_upscaler(str(weights))
    assert method.scale == 2
    lr = data.coffee()[:30, :40]
    with torch.inference_mode():
        expected = load_weights(weights)(torch.from_numpy(to_nchw(lr))).numpy()
    np.testing.assert_array_equal(method.upscale(lr), from_nchw(expected, np.uint8, 3))


def test_another_scale_is_reached_as_users_reach_it(weights: Path) -> None:
    method = find_upscaler(str(weights), scale=3)
    assert method.scale == 3
    assert method.upscale(data.coffee()[:30, :40]).shape == (90, 120, 3)


def test_threads_are_set(weights: Path) -> None:
    before = torch.get_num_threads()
    try:
        find_upscaler(str(weights), threads=before + 1)
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)


def test_weights_without_torch_say_what_to_install(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingDependencyError, match=r"needs torch: pip install 'splitsr\[tr"):
        find_upscaler(str(weights))


def test_models_that_cannot_be_had(tmp_path: Path) -> None:
    with pytest.raises(UnknownModelError, match="splitsr-quick-x4"):
        find_upscaler("splitsr-quick-x4")
    for name in ("gone.onnx", "gone.safetensors"):
        with pytest.raises(WeightsError, match="gone"):
            find_upscaler(str(tmp_path / name))
