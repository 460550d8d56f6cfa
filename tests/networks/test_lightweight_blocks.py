"""The lightweight blocks: shapes, sizes by hand, reach."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from splitsr.networks import LIGHT_BLOCKS, SplitSRSpec
from splitsr.networks.build import build_model
from splitsr.networks.splitsr.lightweight_blocks import (
    GhostModule,
    IdleBlock,
    ShuffleBlock,
    light_block,
)


def conv(inputs: int, outputs: int, kernel: int = 1) -> int:
    return inputs * outputs * kernel**2 + outputs


def dw(channels: int) -> int:
    return 10 * channels


# 16 features, alpha 1/4 (4 active channels), expansion 3.
PARAMETERS = {
    "split": conv(4, 4, 3),
    "split_depthwise": dw(4),
    "split_pointwise": conv(4, 4),
    "shuffle": conv(8, 8) + dw(8) + conv(8, 8),
    "inverted_residual": conv(16, 48) + dw(48) + conv(48, 16),
    "idle": conv(4, 12) + dw(12) + conv(12, 4),
    "ghost": conv(16, 24) + dw(24) + conv(48, 8) + dw(8),
    "depthwise_separable": dw(16) + conv(16, 16),
}


def spec_of(kind: Any, **fields: Any) -> SplitSRSpec:
    given = {"n_feats": 16, "expansion": 3, "n_resgroups": 1, "hybrid_index": 1, **fields}
    return SplitSRSpec(light_block=kind, **given)


def test_every_block_is_counted() -> None:
    assert set(PARAMETERS) == set(LIGHT_BLOCKS)


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("kind", LIGHT_BLOCKS)
def test_a_block_keeps_the_shape_and_has_the_parameters_counted_by_hand(
    kind: Any, residual: bool
) -> None:
    block = light_block(spec_of(kind, block_residual=residual))
    for shape in [(2, 16, 5, 7), (1, 16, 1, 1)]:
        assert block(torch.rand(shape)).shape == shape
    assert sum(p.numel() for p in block.parameters()) == PARAMETERS[kind]


@pytest.mark.parametrize("kind", LIGHT_BLOCKS)
def test_an_odd_ratio_and_width(kind: Any) -> None:
    spec = spec_of(kind, n_feats=10, split_ratio=0.3, reduction=2)
    assert light_block(spec)(torch.rand(1, 10, 4, 4)).shape == (1, 10, 4, 4)


# Active channels and blocks in a run: dividing, not dividing, more than half.
@pytest.mark.parametrize(("ratio", "blocks"), [(0.25, 5), (0.4, 5), (0.3, 7), (0.7, 4)])
@pytest.mark.parametrize("kind", LIGHT_BLOCKS)
def test_the_receptive_radius_is_reached_and_not_exceeded(
    kind: Any, ratio: float, blocks: int
) -> None:
    spec = spec_of(
        kind, n_resblocks=blocks, split_ratio=ratio, n_feats=10, n_resgroups=2, hybrid_index=2,
        upsampler="single_step", reduction=2,
    )  # fmt: skip
    radius = spec.receptive_radius
    side = 2 * radius + 5
    middle = radius + 2
    lr = torch.rand(1, 3, side, side, requires_grad=True)
    model = build_model(spec)
    with torch.no_grad():  # no ReLU may hide a path, and no two cancel
        for parameter in model.parameters():
            parameter.abs_()
        model.mean.zero_()  # type: ignore[operator, union-attr]
    patch = slice(middle * 4, middle * 4 + 4)
    model(lr)[:, :, patch, patch].sum().backward()
    assert lr.grad is not None
    touched = lr.grad[0].abs().sum(0).nonzero()
    assert (touched - middle).abs().max() == radius


def test_shuffle_interleaves_what_passed_and_what_was_computed() -> None:
    block = ShuffleBlock(8)
    x = torch.randn(1, 8, 3, 3)
    out = block(x)
    assert torch.equal(out[:, 0::2], x[:, :4])
    assert torch.equal(out[:, 1::2], block.branch(x[:, 4:]))


def test_idle_channels_stay_idle_and_all_take_their_turn() -> None:
    block = IdleBlock(2, 3)
    x = torch.randn(1, 8, 3, 3)
    assert torch.equal(block(x)[:, :6], x[:, 2:])
    assert torch.equal(block(x)[:, 6:], block.body(x[:, :2]))


@pytest.mark.parametrize("kind", ["inverted_residual", "ghost", "depthwise_separable", "idle"])
def test_a_skip_is_the_identity_when_nothing_is_added(kind: str) -> None:
    block = light_block(spec_of(kind, block_residual=True))
    for parameter in block.parameters():
        nn.init.zeros_(parameter)
    x = torch.randn(1, 16, 4, 4)
    rotated = torch.cat([x[:, 4:], x[:, :4]], dim=1)
    assert torch.equal(block(x), rotated if kind == "idle" else x)


def test_half_of_a_ghost_modules_channels_are_cheap_ghosts_of_the_others() -> None:
    module = GhostModule(6, 7, relu=False)
    x: Tensor = torch.randn(1, 6, 5, 5)
    out = module(x)
    assert out.shape == (1, 7, 5, 5)
    assert torch.equal(out[:, :4], module.primary(x))
    assert torch.equal(out[:, 4:], module.cheap(module.primary(x))[:, :3])
