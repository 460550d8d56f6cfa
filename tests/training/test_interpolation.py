"""Twins are trained as one end of a line: its start stays, and what lies between is learnt."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from splitsr.data.pack import Pack
from splitsr.errors import ConfigError
from splitsr.networks.build import build_model
from splitsr.networks.checkpoint import load_weights
from splitsr.training.config import read_config
from splitsr.training.interpolation import interpolate, set_share, severity_at, share_for
from splitsr.training.loop import train
from splitsr.training.overparam import expand, folded_weights

DEGRADED = tuple(
    f"stages.{stage}.degradation={{ jpeg = 1.0, quality = [20, 90], variants = 4 }}"
    for stage in range(2)
)


@pytest.fixture
def network(config_path: Path) -> nn.Module:
    torch.manual_seed(3)
    return build_model(read_config(config_path).model)


def plain_network(config_path: Path, weights: dict[str, Tensor]) -> nn.Module:
    plain = build_model(read_config(config_path).model)
    plain.load_state_dict(weights)  # strict: exactly the plain network's names
    return plain


@pytest.mark.parametrize("expansion", [0, 3])
def test_a_share_mixes_the_folded_kernels(
    network: nn.Module, config_path: Path, expansion: int
) -> None:
    start = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    expand(network, expansion)
    interpolate(network)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    trained = folded_weights(network)
    x = torch.rand(1, 3, 9, 11)
    for share in (0.0, 0.3, 1.0):
        mixed = {name: torch.lerp(start[name], trained[name], share) for name in start}
        set_share(network, share)
        expected = plain_network(config_path, mixed)(x)
        torch.testing.assert_close(network(x), expected, rtol=0, atol=1e-5)
    torch.testing.assert_close(network(x), plain_network(config_path, trained)(x), rtol=0, atol=0)


def test_any_few_steps_have_patches_of_every_severity() -> None:
    for first in (0, 12345):
        drawn = [severity_at(step) for step in range(first, first + 40)]
        counts, _ = np.histogram(drawn, bins=8, range=(0, 1))
        assert counts.min() >= 3
        assert counts.max() <= 7
    assert (share_for(0), share_for(0.25), share_for(1)) == (0, 0.5, 1)


def test_a_twin_resumes_exactly_and_ships_the_mixture_that_was_asked_for(
    pack: Pack, config_path: Path, tmp_path: Path
) -> None:
    """That, and not the mixture of the last step."""
    clean = train(read_config(config_path), pack, tmp_path / "clean", device="cpu").weights
    changes = (f"init_from={clean}", "interpolate=0.75", "expansion=2", *DEGRADED)
    config = read_config(config_path, changes)
    whole = train(config, pack, tmp_path / "whole", device="cpu")
    train(config, pack, tmp_path / "parts", device="cpu", max_minutes=1e-9)
    parts = train(config, pack, tmp_path / "parts", device="cpu", resume=True)
    first, second = load_weights(whole.weights), load_weights(parts.weights)
    start = load_weights(clean).state_dict()
    for name, tensor in first.state_dict().items():
        torch.testing.assert_close(second.state_dict()[name], tensor, rtol=0, atol=0)
        assert not torch.equal(tensor, start[name]) or not tensor.any()
    far = train(
        msgspec.structs.replace(config, interpolate=1.0), pack, tmp_path / "far", device="cpu"
    )
    for name, tensor in load_weights(far.weights).state_dict().items():
        expected = torch.lerp(start[name], tensor, 0.75)
        torch.testing.assert_close(first.state_dict()[name], expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (DEGRADED, "interpolate: needs init_from"),
        (("init_from=splitsr-fast-x4",), "interpolate: needs a degradation in every stage"),
    ],
)
def test_a_line_needs_a_start_and_degraded_patches(
    config_path: Path, changes: tuple[str, ...], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        read_config(config_path, ("interpolate=1", *changes))
