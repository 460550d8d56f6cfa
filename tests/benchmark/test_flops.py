"""Parameters and multiply-adds, against numbers worked by hand."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from splitsr.benchmark.flops import measure_cost
from splitsr.networks import ModelSpec, SplitSRSpec
from splitsr.networks.build import build_model
from tests.networks.strategies import specs


def test_single_step_network_by_hand() -> None:
    spec = SplitSRSpec(
        n_feats=32, n_resgroups=9, n_resblocks=2, split_ratio=0.5, hybrid_index=9,
        trunk_kernel=0, upsampler="single_step",
    )  # fmt: skip
    weights = 9 * (3 * 32 + 9 * (2 * 16 * 16 + 32 * 32) + 32 * 48)
    cost = measure_cost(spec)
    # Every convolution runs on LR pixels: 320 x 180 of them for a 1280x720 output.
    assert cost.multi_adds_720p == weights * 320 * 180
    assert cost.parameters == weights + 32 + 9 * (2 * 16 + 32) + 48


@pytest.mark.parametrize("scale", [2, 3])
def test_upsampler_runs_at_growing_sizes(scale: int) -> None:
    spec = SplitSRSpec(
        scale=scale, n_feats=8, n_resgroups=1, n_resblocks=1, hybrid_index=1, split_ratio=1.0
    )
    lr_pixels = 1280 * 720 / scale**2
    body = 9 * (3 * 8 + 8 * 8 + 8 * 8 + 8 * 8 + 8 * 8 * scale**2)
    by_hand = body * lr_pixels + 9 * 8 * 3 * 1280 * 720
    assert measure_cost(spec).multi_adds_720p == pytest.approx(by_hand, rel=1e-6)


def test_attention_counts_one_place() -> None:
    spec = SplitSRSpec(n_feats=8, n_resgroups=1, n_resblocks=1, hybrid_index=0, reduction=2)
    names = {layer.name: layer for layer in measure_cost(spec).layers}
    assert names["groups.0.blocks.0.attention.squeeze"].multi_adds_720p == 8 * 4
    assert names["groups.0.blocks.0.conv1"].multi_adds_720p == 9 * 8 * 8 * 320 * 180


@settings(deadline=None, max_examples=15)
@given(spec=specs())
def test_layers_add_up(spec: ModelSpec) -> None:
    cost = measure_cost(spec)
    assert sum(layer.parameters for layer in cost.layers) == cost.parameters
    assert cost.parameters == sum(p.numel() for p in build_model(spec).parameters())
    assert sum(layer.multi_adds_720p for layer in cost.layers) == cost.multi_adds_720p
