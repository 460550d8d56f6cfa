"""Other operators, the same function."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from splitsr.export.forms import (
    ChannelsLast,
    HalfInside,
    ShuffleByConvolution,
    with_dense_convolutions,
    without_shuffle,
)
from splitsr.export.litert.shuffle_order import place_first
from splitsr.networks import SplitSRSpec
from splitsr.networks.build import build_model
from splitsr.networks.splitsr.inference_form import inference_form

SPEC = SplitSRSpec(
    n_feats=16,
    n_resgroups=2,
    n_resblocks=2,
    split_ratio=0.5,
    hybrid_index=2,
    channel_attention=False,
    image_skip="nearest",
)


def picture(*, channels: int = 3) -> torch.Tensor:
    return torch.rand(2, channels, 13, 9, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize(("channels", "factor"), [(3, 4), (3, 2), (5, 3), (1, 2)])
def test_a_shuffle_by_convolution_is_the_shuffle_to_the_bit(channels: int, factor: int) -> None:
    x = picture(channels=channels * factor**2)
    assert torch.equal(ShuffleByConvolution(channels, factor)(x), nn.PixelShuffle(factor)(x))


@pytest.mark.parametrize(("channels", "factor"), [(3, 4), (5, 3)])
def test_place_first_is_the_order_of_depth_to_space(channels: int, factor: int) -> None:
    x = picture(channels=channels * factor**2)
    batch, _, height, width = x.shape
    ordered = x[:, torch.from_numpy(place_first(channels, factor)).long()]
    places = ordered.view(batch, factor, factor, channels, height, width)
    shuffled = places.permute(0, 3, 4, 1, 5, 2).reshape(
        batch, channels, factor * height, factor * width
    )
    assert torch.equal(shuffled, nn.PixelShuffle(factor)(x))


def test_forms_of_a_network_equal_it() -> None:
    torch.manual_seed(0)
    network, lr = build_model(SPEC).eval(), picture()
    form = inference_form(network)
    with torch.inference_mode():
        expected = network(lr)
        dense = with_dense_convolutions(form)
        torch.testing.assert_close(dense(lr), expected, atol=1e-5, rtol=0)
        torch.testing.assert_close(without_shuffle(form)(lr), expected, atol=1e-5, rtol=0)
        turned = ChannelsLast(form)(lr.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        torch.testing.assert_close(turned, expected, atol=1e-5, rtol=0)
        half = HalfInside(form)(lr)
        torch.testing.assert_close(half, expected, atol=5e-3, rtol=0)
        assert not torch.equal(half, expected)
    assert any(m.groups > 1 for m in form.modules() if isinstance(m, nn.Conv2d))
    assert not [m for m in dense.modules() if isinstance(m, nn.Conv2d) and m.groups > 1]
    assert not [m for m in without_shuffle(form).modules() if isinstance(m, nn.PixelShuffle)]
