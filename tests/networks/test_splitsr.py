"""The network: shapes, parameter counts worked by hand, what an output pixel depends on."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings

from splitsr.networks import ModelSpec, SplitSRSpec
from splitsr.networks.blocks import ChannelAttention, SplitSRBlock, SplitSubPixelStage
from splitsr.networks.build import build_model
from tests.networks.strategies import specs


def parameters(spec: ModelSpec) -> int:
    return sum(parameter.numel() for parameter in build_model(spec).parameters())


def conv(inputs: int, outputs: int, kernel: int = 3) -> int:
    """Weights and biases of a convolution."""
    return inputs * outputs * kernel**2 + outputs


def test_parameters_of_the_papers_configuration_by_hand() -> None:
    light_group = 6 * conv(16, 16) + conv(64, 64)
    attention = conv(64, 4, 1) + conv(4, 64, 1)
    standard_group = 6 * (2 * conv(64, 64) + attention) + conv(64, 64)
    upsampler = 2 * conv(64, 256) + conv(64, 3)
    by_hand = conv(3, 64) + 3 * light_group + 3 * standard_group + conv(64, 64) + upsampler
    assert by_hand == 1_939_051
    assert parameters(SplitSRSpec()) == by_hand


@pytest.mark.parametrize(("scale", "stages"), [(2, 1), (3, 1), (4, 2)])
def test_parameters_of_every_scale_by_hand(scale: int, stages: int) -> None:
    spec = SplitSRSpec(scale=scale, n_feats=8, n_resgroups=1, n_resblocks=1, hybrid_index=1)
    factor = 3 if scale == 3 else 2
    body = conv(3, 8) + conv(2, 2) + conv(8, 8) + conv(8, 8)
    assert parameters(spec) == body + stages * conv(8, 8 * factor**2) + conv(8, 3)


def test_parameters_of_a_light_upsampler_by_hand() -> None:
    spec = SplitSRSpec(
        n_feats=8, n_resgroups=1, n_resblocks=1, channel_attention=False,
        hybrid_index=0, replacement_location="upsampler",
    )  # fmt: skip
    body = conv(3, 8) + 2 * conv(8, 8) + conv(8, 8) + conv(8, 8)
    assert parameters(spec) == body + 2 * conv(2, 8) + conv(8, 3)


def test_parameters_of_single_step_by_hand() -> None:
    spec = SplitSRSpec(
        n_feats=32, n_resgroups=9, n_resblocks=2, split_ratio=0.5, hybrid_index=9,
        trunk_kernel=0, upsampler="single_step",
    )  # fmt: skip
    assert parameters(spec) == conv(3, 32) + 9 * (2 * conv(16, 16) + conv(32, 32)) + conv(32, 48)


@settings(deadline=None, max_examples=40)
@given(spec=specs())
def test_every_spec_enlarges_by_its_scale(spec: ModelSpec) -> None:
    with torch.no_grad():
        sr = build_model(spec)(torch.rand(2, 3, 5, 7))
    assert sr.shape == (2, 3, 5 * spec.scale, 7 * spec.scale)
    assert sr.isfinite().all()


def test_split_block_convolves_the_first_channels_and_puts_them_last() -> None:
    block = SplitSRBlock(8, 2)
    x = torch.randn(1, 8, 6, 6)
    out = block(x)
    assert torch.equal(out[:, :6], x[:, 2:])
    assert torch.equal(out[:, 6:], torch.relu(block.conv(x[:, :2])))


def test_after_a_round_every_channel_was_active_once() -> None:
    blocks = [SplitSRBlock(8, 2, residual=True) for _ in range(4)]
    for block in blocks:
        torch.nn.init.zeros_(block.conv.weight)
        torch.nn.init.ones_(block.conv.bias)
    x = torch.zeros(1, 8, 3, 3)
    for block in blocks:
        x = block(x)
    assert torch.equal(x, torch.ones(1, 8, 3, 3))


@pytest.mark.parametrize(
    ("kind", "count"), [("standard", 148), ("depthwise", 40), ("pointwise", 20)]
)
def test_kinds_of_split_convolution(kind: Any, count: int) -> None:
    block = SplitSRBlock(8, 4, kind)
    assert sum(p.numel() for p in block.parameters()) == count
    assert block(torch.rand(1, 8, 4, 4)).shape == (1, 8, 4, 4)


def test_light_upsampler_stage_keeps_the_passive_channels() -> None:
    stage = SplitSubPixelStage(2, 3)
    x = torch.randn(1, 6, 4, 5)
    out = stage(x)
    assert out.shape == (1, 6, 12, 15)
    assert torch.equal(out[:, :4], x[:, 2:].repeat_interleave(3, 2).repeat_interleave(3, 3))


def test_channel_attention_scales_whole_channels() -> None:
    x = torch.rand(1, 8, 4, 4) + 0.5
    ratio = ChannelAttention(8, 4)(x) / x
    assert torch.allclose(ratio, ratio[:, :, :1, :1].expand_as(ratio))
    assert ((ratio > 0) & (ratio < 1)).all()


@settings(deadline=None, max_examples=15)
@given(spec=specs(channel_attention=False))
def test_nothing_outside_the_receptive_radius_matters(spec: ModelSpec) -> None:
    radius = spec.receptive_radius
    side = 2 * radius + 3
    lr = torch.rand(1, 3, side, side, requires_grad=True)
    middle = radius + 1
    patch = slice(middle * spec.scale, (middle + 1) * spec.scale)
    build_model(spec)(lr)[:, :, patch, patch].sum().backward()
    assert lr.grad is not None
    touched = lr.grad[0].abs().sum(0).nonzero()
    assert (touched - middle).abs().max() <= radius
