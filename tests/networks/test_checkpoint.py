"""Weight files: round trip, damage, warm start across scales."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from splitsr.errors import WeightsError
from splitsr.networks import SplitSRSpec
from splitsr.networks.build import build_model
from splitsr.networks.checkpoint import load_weights, read_weights, save_weights, warm_start

SPEC = SplitSRSpec(n_feats=8, n_resgroups=1, n_resblocks=2, hybrid_index=1)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "weights.safetensors"
    save_weights(path, SPEC, build_model(SPEC).state_dict(), {"note": "x4"})
    return path


def test_round_trip(weights: Path) -> None:
    spec, tensors, metadata = read_weights(weights)
    assert spec == SPEC
    assert metadata == {"note": "x4"}
    model = load_weights(weights)
    assert not model.training
    assert all(torch.equal(tensors[name], value) for name, value in model.state_dict().items())


def test_damaged_file_is_refused(weights: Path) -> None:
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(WeightsError, match="cannot be read"):
        load_weights(weights)


def test_foreign_file_is_refused(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(2)}, tmp_path / "foreign.safetensors")
    with pytest.raises(WeightsError, match="not splitsr weights"):
        load_weights(tmp_path / "foreign.safetensors")


def test_tensors_of_another_network_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "mixed.safetensors"
    save_weights(path, SPEC, build_model(SplitSRSpec(n_feats=4, reduction=2)).state_dict())
    with pytest.raises(WeightsError, match="do not fit"):
        load_weights(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(WeightsError):
        load_weights(tmp_path / "nothing.safetensors")


def test_warm_start_across_scales_keeps_the_new_upsampler(weights: Path) -> None:
    model = build_model(
        SplitSRSpec(n_feats=8, n_resgroups=1, n_resblocks=2, hybrid_index=1, scale=3)
    )
    kept = warm_start(model, weights)
    assert all(name.startswith("upsampler.") for name in kept)
    assert "upsampler.0.conv.weight" in kept
    source = read_weights(weights)[1]
    assert torch.equal(model.head.weight, source["head.weight"])


def test_warm_start_from_nothing_that_fits(weights: Path) -> None:
    model = build_model(
        SplitSRSpec(n_feats=6, reduction=2, n_resgroups=1, n_resblocks=1, hybrid_index=0,
                  scale=3, upsampler="single_step")
    )  # fmt: skip
    with pytest.raises(WeightsError, match="no tensor fits"):
        warm_start(model, weights)


def test_a_deeper_network_begins_as_the_shallower_one(weights: Path) -> None:
    deeper = build_model(SplitSRSpec(n_feats=8, n_resgroups=3, n_resblocks=2, hybrid_index=3))
    lr = torch.rand(1, 3, 9, 10)
    shallower = load_weights(weights)
    warm_start(deeper, weights)
    with torch.inference_mode():
        torch.testing.assert_close(deeper(lr), shallower(lr))
    assert deeper.groups[2].blocks[0].conv.weight.any()  # only what closes a group is zero
