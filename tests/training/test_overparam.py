"""Training branches: nothing changes at the start, and folding them is exact."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from splitsr.data.pack import Pack
from splitsr.errors import ConfigError
from splitsr.networks.build import build_model
from splitsr.networks.checkpoint import load_weights
from splitsr.training.config import read_config
from splitsr.training.loop import train
from splitsr.training.overparam import ExpandedKernel, expand, folded_weights


@pytest.fixture
def network(config_path: Path) -> nn.Module:
    torch.manual_seed(3)
    return build_model(read_config(config_path).model)


def shake(network: nn.Module) -> None:
    """Moves every parameter, so that no branch is zero."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))


def test_an_expanded_network_starts_as_the_same_function(network: nn.Module) -> None:
    x = torch.rand(1, 3, 9, 11)
    before = network(x)
    expand(network, 3)
    assert any(isinstance(module, ExpandedKernel) for module in network.modules())
    torch.testing.assert_close(network(x), before, rtol=0, atol=0)


def test_the_branches_equal_two_convolutions_beside_the_kernel() -> None:
    torch.manual_seed(5)
    conv = nn.Conv2d(4, 6, 3, padding=1)
    plain = conv.weight.detach().clone()
    expand(conv, 2)
    shake(conv)
    branches = conv.parametrizations.weight[0]  # type: ignore[union-attr,index]
    x = torch.rand(2, 4, 8, 7)
    wide = nn.functional.conv2d(x, branches.widen, padding=1)
    kernel = conv.parametrizations.weight.original  # type: ignore[union-attr]
    expected = nn.functional.conv2d(x, kernel, conv.bias, padding=1)
    expected = expected + nn.functional.conv2d(wide, branches.narrow)
    assert not torch.equal(kernel, plain)
    torch.testing.assert_close(conv(x), expected, rtol=0, atol=1e-5)


def test_folding_is_exact_and_gives_plain_names(network: nn.Module, config_path: Path) -> None:
    expand(network, 4)
    shake(network)
    weights = folded_weights(network)
    plain = build_model(read_config(config_path).model)
    plain.load_state_dict(weights)  # strict: exactly the plain network's names
    x = torch.rand(2, 3, 10, 12)
    torch.testing.assert_close(plain(x), network(x), rtol=0, atol=0)


def test_a_run_with_branches_ships_plain_weights_and_resumes(
    pack: Pack, config_path: Path, tmp_path: Path
) -> None:
    config = read_config(config_path, ("expansion=2",))
    whole = train(config, pack, tmp_path / "whole", device="cpu")
    train(config, pack, tmp_path / "parts", device="cpu", max_minutes=1e-9)
    parts = train(config, pack, tmp_path / "parts", device="cpu", resume=True)
    first, second = load_weights(whole.weights), load_weights(parts.weights)
    assert set(first.state_dict()) == set(build_model(config.model).state_dict())
    for name, tensor in first.state_dict().items():
        torch.testing.assert_close(second.state_dict()[name], tensor, rtol=0, atol=0)


def test_a_negative_expansion_is_refused(config_path: Path) -> None:
    with pytest.raises(ConfigError, match="expansion: must be 0 or more"):
        read_config(config_path, ("expansion=-1",))
