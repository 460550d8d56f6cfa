"""The parity check on a real photo: float rounding passes, anything more is refused."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

import numpy as np
import pytest
import torch
from torch import nn

from splitsr.errors import ModelError
from splitsr.networks import ModelSpec
from splitsr.networks.build import build_model
from splitsr.runtime.engine import FloatArray
from tools.parity import compare_export, require_parity


@dataclass
class Shifted:
    """The network itself, with something added to one output value of every picture."""

    network: nn.Module
    spec: ModelSpec
    shift: float
    whole: bool = False

    def run(self, lr: FloatArray) -> FloatArray:
        with torch.inference_mode():
            sr: FloatArray = self.network(torch.from_numpy(lr)).numpy().copy()
        if self.whole:
            sr += self.shift
        else:
            sr[0, 1, 5, 7] += self.shift
        return sr


@pytest.fixture(scope="module")
def network(tiny_spec: ModelSpec) -> nn.Module:
    torch.manual_seed(0)
    return build_model(tiny_spec).eval()


def test_a_form_that_only_rounds_differently_passes(
    network: nn.Module, tiny_spec: ModelSpec, photo: np.ndarray
) -> None:
    images = [photo[100:140, 200:250], photo[:20, :30]]
    parity = compare_export(network, Shifted(network, tiny_spec, 2e-5), images)
    assert parity.max_difference == pytest.approx(2e-5, rel=0.05)
    assert parity.values == 3 * 16 * (40 * 50 + 20 * 30)
    assert parity.holds
    require_parity(parity, "tiny")


@pytest.mark.parametrize(
    ("shift", "whole"), [(2e-4, False), (9e-5, True), (1 / 64, False), (nan, False)]
)
def test_a_form_that_computes_something_else_is_refused(
    network: nn.Module, tiny_spec: ModelSpec, photo: np.ndarray, shift: float, whole: bool
) -> None:
    # 9e-5 everywhere is within the limit of the float output, but turns too many levels.
    parity = compare_export(network, Shifted(network, tiny_spec, shift, whole), [photo[:64, :64]])
    assert not parity.holds
    with pytest.raises(ModelError, match=r"tiny-x4: the export differs .*nothing was written"):
        require_parity(parity, "tiny-x4")
