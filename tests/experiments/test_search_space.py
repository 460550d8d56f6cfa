"""What a search may propose."""

from __future__ import annotations

from typing import get_args

import optuna
import pytest
import torch

from splitsr.benchmark.flops import measure_cost
from splitsr.experiments.search_space import CHEAPEST, STARTS, suggest
from splitsr.networks import SplitSRSpec
from splitsr.networks.build import build_model
from splitsr.networks.splitsr.description import HybridMode

optuna.logging.set_verbosity(optuna.logging.WARNING)


def proposals(count: int, scale: int = 4) -> list[SplitSRSpec]:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=3))
    return [suggest(study.ask(), scale) for _ in range(count)]


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_nothing_is_cheaper_than_the_cheapest(scale: int) -> None:
    """An impossible budget is known by these alone, so that it is refused at once."""
    cheapest = [measure_cost(suggest(optuna.trial.FixedTrial(start), scale)) for start in CHEAPEST]
    # One choice away from the cheapest is where a cheaper one would be.
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=scale))
    for number in range(60):
        study.enqueue_trial(dict(list(CHEAPEST[number % 3].items())[number % 11 :]))
    for _ in range(60):
        cost = measure_cost(suggest(study.ask(), scale))
        assert cost.parameters >= min(c.parameters for c in cheapest)
        assert cost.multi_adds_720p >= min(c.multi_adds_720p for c in cheapest)


def test_equal_networks_have_equal_specs() -> None:
    start = dict(STARTS[-1])
    first = suggest(optuna.trial.FixedTrial({**start, "light_share": 0.0}), 4)
    # Without lightweight units, neither the block, its slice nor the order has an effect.
    for change in ({"light_block": "ghost"}, {"split_ratio": 1.0}, {"hybrid_mode": "interleaved"}):
        same = suggest(optuna.trial.FixedTrial({**start, "light_share": 0.0, **change}), 4)
        assert same == first
    assert suggest(optuna.trial.FixedTrial({**start, "split_ratio": 1.0}), 4) != first


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_every_proposal_is_a_network_that_can_be_tiled(scale: int) -> None:
    lr = torch.rand(1, 3, 7, 9)
    for spec in proposals(12, scale):
        assert spec.tileable
        with torch.inference_mode():
            assert build_model(spec)(lr).shape == (1, 3, 7 * scale, 9 * scale)


def test_proposals_are_of_every_kind() -> None:
    specs = proposals(150)
    assert {spec.light_block for spec in specs} > {"split", "ghost", "shuffle", "idle"}
    assert {spec.replacement_location for spec in specs} == {"features", "upsampler", "both"}
    assert {spec.hybrid_mode for spec in specs} == set(get_args(HybridMode))
    assert 0 in {spec.hybrid_index for spec in specs}
