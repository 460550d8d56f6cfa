"""The loader for spandrel reads what ships: pip install spandrel."""

from __future__ import annotations

import importlib.util
from types import ModuleType

import numpy as np
import pytest
import torch

from splitsr.imaging.arrays import to_nchw
from splitsr.networks.checkpoint import load_weights
from splitsr.zoo import list_models
from splitsr.zoo.catalogue import ModelEntry
from tests.docs.markdown import ROOT

spandrel = pytest.importorskip("spandrel", reason="spandrel is not installed: pip install spandrel")
MODELS = [model for model in list_models() if model.precision == "fp32"]


@pytest.fixture(scope="module")
def arch() -> ModuleType:
    path = ROOT / "examples" / "spandrel" / "splitsr_arch.py"
    spec = importlib.util.spec_from_file_location("splitsr_arch", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_spandrel_loads_what_ships(model: ModelEntry, arch: ModuleType, photo: np.ndarray) -> None:
    registry = spandrel.ArchRegistry()
    registry.add(*spandrel.MAIN_REGISTRY)
    registry.add(spandrel.ArchSupport.from_architecture(arch.SplitSRArch()))
    found = spandrel.ModelLoader(registry=registry).load_from_file(model.weights_path)
    assert (found.architecture.id, found.scale) == ("SplitSR", model.spec.scale)
    assert (found.input_channels, found.output_channels, found.purpose) == (3, 3, "SR")

    lr = torch.from_numpy(to_nchw(photo[100:133, 200:240]))
    with torch.inference_mode():
        expected = load_weights(model.weights_path)(lr)
        assert torch.equal(found.model(lr), expected)
        # The descriptor clamps, and works in tiles and in half precision as it says.
        assert torch.equal(found(lr), expected.clamp(0, 1))
        half = found.bfloat16()(lr.bfloat16()).float()
    assert (half - expected.clamp(0, 1)).abs().mean() < 1 / 100
