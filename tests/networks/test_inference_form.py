"""The inference and training forms equal the plain network."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings

from splitsr.networks import ModelSpec, SplitSRSpec
from splitsr.networks.blocks import SplitSRBlock
from splitsr.networks.build import build_model
from splitsr.networks.splitsr.inference_form import (
    ChunkedRun,
    FusedRound,
    GroupedRound,
    InferenceSplitSR,
    merge_runs,
    training_form,
)
from tests.networks.strategies import specs


@settings(deadline=None, max_examples=60)
@given(spec=specs())
def test_inference_form_equals_the_plain_network(spec: ModelSpec) -> None:
    model = build_model(spec).eval()
    lr = torch.rand(2, 3, 7, 6)
    with torch.no_grad():
        assert (InferenceSplitSR(model)(lr) - model(lr)).abs().max() < 1e-5


@settings(deadline=None, max_examples=20)
@given(spec=specs())
def test_training_form_has_the_same_output_and_gradients(spec: ModelSpec) -> None:
    model = build_model(spec)
    lr = torch.rand(1, 3, 6, 5)
    names, weights = zip(*model.named_parameters(), strict=True)
    plain, merged = model(lr), training_form(model)(lr)
    assert (plain - merged).abs().max() < 1e-5
    expected = torch.autograd.grad(plain.square().sum(), weights, allow_unused=True)
    found = torch.autograd.grad(merged.square().sum(), weights, allow_unused=True)
    for name, a, b in zip(names, expected, found, strict=True):
        assert a is not None, name
        assert b is not None, name
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-3, msg=name)


def test_the_mean_is_folded_exactly_at_the_border() -> None:
    # A uniform picture of the mean colour is all zeros inside: any border error would show.
    spec = SplitSRSpec(n_feats=8, n_resgroups=1, n_resblocks=4, hybrid_index=1)
    model = build_model(spec).eval()
    lr = model.mean.view(1, 3, 1, 1).expand(1, 3, 6, 6)
    with torch.no_grad():
        assert (InferenceSplitSR(model)(lr) - model(lr)).abs().max() < 1e-6


def test_rewriting_leaves_the_model_alone() -> None:
    spec = SplitSRSpec(n_feats=8, n_resgroups=2, n_resblocks=4, hybrid_index=1, reduction=4)
    model = build_model(spec)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    InferenceSplitSR(model)
    training_form(model)
    after = model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_whole_rounds_become_one_grouped_convolution() -> None:
    merged = list(merge_runs([SplitSRBlock(8, 2) for _ in range(10)]))
    assert [type(block) for block in merged] == [GroupedRound, GroupedRound, ChunkedRun]
    assert isinstance(merged[0], GroupedRound)
    fused = merged[0].fused()
    assert isinstance(fused, FusedRound)
    assert (fused.conv.groups, fused.conv.in_channels) == (4, 8)


@pytest.mark.parametrize("active", [2, 3, 5, 6, 8])
def test_a_run_of_any_length_and_ratio(active: int) -> None:
    blocks = [SplitSRBlock(8, active, residual=True) for _ in range(7)]
    x = torch.randn(1, 8, 5, 5)
    with torch.no_grad():
        plain = torch.nn.Sequential(*blocks)(x)
        assert torch.allclose(plain, ChunkedRun(blocks)(x), atol=1e-6)
        assert torch.allclose(plain, torch.nn.Sequential(*merge_runs(blocks))(x), atol=1e-6)
