"""Schedule, losses, moving average and optimizers, each against a plain formula."""

from __future__ import annotations

import math
from io import BytesIO

import numpy as np
import pytest
import torch
from torch import nn

from splitsr.imaging.color import rgb_to_y
from splitsr.networks import SplitSRSpec
from splitsr.networks.build import build_model
from splitsr.training.config import Optimizer, Schedule, Stage
from splitsr.training.ema import EMA
from splitsr.training.losses import image_loss, spectral_loss
from splitsr.training.muon import Muon, orthogonalise
from splitsr.training.optimizers import Optimizers, body_kernels, build_optimizers
from splitsr.training.overparam import expand
from splitsr.training.schedule import learning_rate
from splitsr.zoo.catalogue import load_catalogue
from tests.networks.test_networks import TINY

CPU = torch.device("cpu")


def test_cosine_with_warm_up() -> None:
    schedule = Schedule(kind="cosine", warmup_steps=10, final_ratio=0.1)
    rates = [learning_rate(step, 110, 2.0, schedule) for step in range(110)]
    assert rates[0] == pytest.approx(0.2)
    assert rates[9] == pytest.approx(2.0)
    assert rates[60] == pytest.approx(0.1 * 2 + 0.9 * 2 * 0.5 * (1 + math.cos(math.pi * 0.5)))
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] == pytest.approx(0.2, rel=0.01)


def test_step_schedule_halves() -> None:
    schedule = Schedule(kind="step", halve_every=100)
    assert [learning_rate(s, 300, 1.0, schedule) for s in (0, 99, 100, 250)] == [1, 1, 0.5, 0.25]


def test_pixel_losses_by_hand() -> None:
    hr = torch.zeros(1, 3, 4, 4)
    sr = torch.full_like(hr, 0.5)
    assert float(image_loss(sr, hr, Stage(loss="l1"))) == pytest.approx(0.5)
    assert float(image_loss(sr, hr, Stage(loss="l2"))) == pytest.approx(0.25)
    charbonnier = math.sqrt(0.25 + 1e-6) - 1e-3
    assert float(image_loss(sr, hr, Stage(loss="charbonnier"))) == pytest.approx(charbonnier)


def test_spectral_loss_equals_numpy() -> None:
    sr, hr = torch.rand(2, 3, 8, 6), torch.rand(2, 3, 8, 6)
    spectrum = np.fft.rfft2((sr - hr).numpy().astype(np.float64), norm="ortho")
    expected = np.mean([np.abs(spectrum.real), np.abs(spectrum.imag)])
    assert float(spectral_loss(sr, hr)) == pytest.approx(expected, rel=1e-5)
    both = image_loss(sr, hr, Stage(fft_weight=0.3))
    assert float(both) == pytest.approx(float((sr - hr).abs().mean()) + 0.3 * expected, rel=1e-5)


def test_luma_is_weighted_as_in_the_metric() -> None:
    sr, hr = torch.rand(2, 3, 8, 6), torch.rand(2, 3, 8, 6)
    of_metric = [rgb_to_y(255 * image.permute(0, 2, 3, 1).numpy()) / 255 for image in (sr, hr)]
    expected = float((sr - hr).abs().mean()) + 0.5 * np.abs(of_metric[0] - of_metric[1]).mean()
    assert float(image_loss(sr, hr, Stage(luma_weight=0.5))) == pytest.approx(expected, rel=1e-5)


def test_ema_follows_the_formula() -> None:
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    ema = EMA(model, 0.9)
    expected = 0.0
    for step in range(200):
        nn.init.constant_(model.weight, float(step))
        ema.update(step)
        decay = min(0.9, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * step
    assert float(ema.model.weight) == pytest.approx(expected, rel=1e-5)


def test_no_ema_copies_the_weights() -> None:
    model = nn.Linear(2, 2)
    ema = EMA(model, 0.0)
    nn.init.ones_(model.weight)
    ema.update(0)
    assert torch.equal(ema.model.weight, model.weight)


@pytest.mark.parametrize("shape", [(16, 144), (40, 9), (8, 8)])
def test_orthogonalise_keeps_directions_and_flattens_singular_values(
    shape: tuple[int, int],
) -> None:
    matrix = torch.randn(3, *shape)
    found = orthogonalise(matrix)
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    values = torch.diagonal(left.mT @ found @ right.mT, dim1=1, dim2=2)
    # The quintic stops near 1, not at it (Jordan et al.: within about 0.7 to 1.2); the smallest
    # singular values of a random square matrix may lie below its reach.
    assert values.max() < 1.3
    assert values.median() > 0.65
    assert (left.mT @ found @ right.mT - torch.diag_embed(values)).abs().max() < 1e-3


def test_muon_solves_a_least_squares_problem() -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(4, 4, 3, padding=1, bias=False)
    target = nn.Conv2d(4, 4, 3, padding=1, bias=False).requires_grad_(False)
    x = torch.randn(4, 4, 8, 8)
    optimizer = Muon(layer.parameters(), lr=0.02)

    def loss() -> torch.Tensor:
        return (layer(x) - target(x)).square().mean()

    first = loss().item()
    for step in range(200):
        optimizer.param_groups[0]["lr"] = 0.02 * (1 - step / 200)
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
    assert loss().item() < first / 100


def test_muon_takes_the_body_and_adam_the_rest() -> None:
    model = build_model(SplitSRSpec(n_feats=8, n_resgroups=2, n_resblocks=2, hybrid_index=2))
    optimizers = build_optimizers(model, Optimizer(kind="muon"), CPU)
    held = [p for member in optimizers.members for g in member.param_groups for p in g["params"]]
    assert sorted(map(id, held)) == sorted(map(id, model.parameters()))
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    body = [names[id(p)] for p in optimizers.members[1].param_groups[0]["params"]]
    assert tuple(body) == optimizers.muon
    assert "groups.0.blocks.0.conv.weight" in body
    assert "trunk.weight" in body
    assert not {"head.weight", "upsampler.0.conv.weight", "groups.0.tail.bias"} & set(body)


def test_the_body_is_found_in_every_network() -> None:
    # By name, as the first states of runs have them: these go on.
    shipped = [entry.spec for entry in load_catalogue().values() if entry.precision == "fp32"]
    for spec in (
        *shipped,
        SplitSRSpec(n_feats=8, reduction=4),
        TINY["rcan"],
        TINY["edsr"],
        TINY["srcnn"],
    ):
        for expansion in (0, 2):
            model = build_model(spec)
            expand(model, expansion)
            named = [
                key
                for key, parameter in model.named_parameters()
                if key.startswith(("groups", "body", "trunk", "mapping"))
                and parameter.ndim == 4
                and parameter.shape[1] > 1
            ]
            assert list(body_kernels(model)) == named, spec


class Foreign(nn.Module):
    """A network whose parts have names, and an order, of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.to_img = nn.Sequential(nn.Conv2d(8, 12, 3, padding=1), nn.PixelShuffle(2))
        self.feats = nn.Sequential(
            nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.Conv2d(8, 16, 1), nn.Conv2d(16, 8, 1)
        )
        self.to_feat = nn.Conv2d(3, 8, 3, padding=1)
        self.alpha = nn.Parameter(torch.ones(1, 8, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.to_feat(x)
        image: torch.Tensor = self.to_img(x + self.alpha * self.feats(x))
        return image


def test_the_body_is_found_whatever_its_name() -> None:
    assert list(body_kernels(Foreign())) == ["feats.1.weight", "feats.2.weight"]
    pixels_only = nn.Sequential(nn.Conv2d(3, 12, 3, padding=1), nn.PixelShuffle(2))
    assert body_kernels(pixels_only) == {}


def trained(rates: list[torch.Tensor] | None) -> Optimizers:
    """Muon and Adam after a step; their learning rates are tensors, as on CUDA, or numbers."""
    model = Foreign()
    optimizers = build_optimizers(model, Optimizer(kind="muon"), CPU)
    for member, rate in zip(optimizers.members, rates or (), strict=False):
        member.param_groups[0]["lr"] = rate
    model(torch.rand(1, 3, 8, 8)).square().mean().backward()
    optimizers.step()
    return optimizers


def test_the_tensor_of_the_learning_rate_survives_loading() -> None:
    for saved in (trained(None), trained([torch.tensor(0.5), torch.tensor(0.5)])):
        rates = [torch.tensor(0.1), torch.tensor(0.1)]
        fresh = trained(rates)
        file = BytesIO()
        torch.save(saved.state_dict(), file)
        file.seek(0)
        fresh.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
        assert [member.param_groups[0]["lr"] for member in fresh.members] == [0.1, 0.1]
        fresh.set_learning_rate(0.25)
        for member, rate in zip(fresh.members, rates, strict=True):
            assert member.param_groups[0]["lr"] is rate
            assert float(rate) == 0.25
        for one, other in zip(saved.members, fresh.members, strict=True):
            for moments, loaded in zip(one.state.values(), other.state.values(), strict=True):
                assert all(map(torch.equal, moments.values(), loaded.values()))


def test_settings_are_the_runs_own_and_not_those_of_the_state() -> None:
    saved, fresh = trained(None), trained(None)
    states = saved.state_dict()
    states[0]["param_groups"][0]["capturable"] = True  # of a run on a GPU
    fresh.load_state_dict(states)
    assert fresh.members[0].param_groups[0]["capturable"] is False
    states[1]["param_groups"][0]["params"].pop()
    with pytest.raises(ValueError, match="other parameters"):
        fresh.load_state_dict(states)


def test_adam_alone_holds_everything() -> None:
    model = build_model(SplitSRSpec(n_feats=8, n_resgroups=1, n_resblocks=2, hybrid_index=1))
    optimizers = build_optimizers(model, Optimizer(), CPU)
    assert len(optimizers.members) == 1
    optimizers.set_learning_rate(0.5)
    assert optimizers.members[0].param_groups[0]["lr"] == 0.5
