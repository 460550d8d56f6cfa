from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from splitsr.errors import ModelError, UnknownModelError, WeightsError
from splitsr.export.onnx import export_onnx
from splitsr.networks import ModelSpec
from splitsr.networks.checkpoint import load_weights
from splitsr.networks.network import Network
from splitsr.runtime.onnx_engine import OnnxEngine
from splitsr.zoo.catalogue import ModelEntry, find_model, find_twin, list_models
from splitsr.zoo.mixing import mix_weights, read_mixed

pytestmark = pytest.mark.usefixtures("quick_exports")

LR = np.random.default_rng(0).random((1, 3, 24, 20), np.float32)


def weights_of(content: bytes) -> dict[str, np.ndarray]:
    graph = onnx.load_from_string(content).graph
    return {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}


@pytest.fixture
def pair(restoring_model: Path) -> tuple[bytes, bytes]:
    return tuple(path.read_bytes() for path in sorted(restoring_model.parent.iterdir())[::-1])  # type: ignore[return-value]


def test_nothing_of_the_twin_is_the_model_byte_for_byte(pair: tuple[bytes, bytes]) -> None:
    assert mix_weights(*pair, 0.0, "twin") == pair[0]


def test_all_of_the_twin_are_its_weights(pair: tuple[bytes, bytes]) -> None:
    mixed = mix_weights(*pair, 1.0, "twin")
    for name, values in weights_of(pair[1]).items():
        np.testing.assert_array_equal(weights_of(mixed)[name], values)
    assert OnnxEngine(mixed).name == "tiny-x4"


def test_each_weight_is_the_mean_of_both(pair: tuple[bytes, bytes]) -> None:
    clean, twin, mixed = map(weights_of, (*pair, mix_weights(*pair, 0.25, "twin")))
    for name in clean:
        mean = 0.75 * clean[name].astype(float) + 0.25 * twin[name].astype(float)
        np.testing.assert_array_equal(mixed[name], mean.astype(np.float32))


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> tuple[Network, bytes]:
    """A network like one that ships, with other weights, and its export of today."""
    network = load_weights(find_model("splitsr-balanced-x4").weights_path)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in network.parameters():
            weight *= 1 + 0.2 * torch.rand(weight.shape, generator=generator)
    path = tmp_path_factory.mktemp("twin") / "twin.onnx"
    export_onnx(network, path)
    return network, path.read_bytes()


@pytest.mark.parametrize("strength", [0.375, 1.0])
def test_mixing_files_is_mixing_networks(twin: tuple[Network, bytes], strength: float) -> None:
    """The twin is exported today, and mixed with the file that ships."""
    entry = find_model("splitsr-balanced-x4")
    network, other = load_weights(entry.weights_path), twin[0].state_dict()
    content = mix_weights(entry.read(), twin[1], strength, "twin")
    network.load_state_dict(
        {key: torch.lerp(v, other[key], strength) for key, v in network.state_dict().items()}
    )
    with torch.inference_mode():
        expected = network.eval()(torch.from_numpy(LR)).numpy()
    np.testing.assert_allclose(OnnxEngine(content, 1).run(LR), expected, atol=1e-5)


def test_a_mixed_network_runs_in_bfloat16(restoring_model: Path) -> None:
    openvino_engine = pytest.importorskip("splitsr.runtime.openvino_engine")
    pytest.importorskip("openvino")
    content = read_mixed(find_model(restoring_model), 0.5)
    try:
        engine = openvino_engine.OpenVinoEngine(content, 1, name="mixed")
    except ModelError as error:
        pytest.skip(str(error))
    np.testing.assert_allclose(engine.run(LR), OnnxEngine(content, 1).run(LR), atol=0.05)


def test_a_twin_of_another_network_is_refused(
    tmp_path: Path, tiny_model: Path, tiny_spec: ModelSpec, make_model: Callable[..., Path]
) -> None:
    clean = tiny_model.read_bytes()
    wider = make_model(tmp_path / "wider.onnx", replace_spec(tiny_spec, n_feats=16))
    proto = onnx.load(tiny_model)
    proto.graph.node[0].attribute[0].ints[0] = 2  # the same weights, used otherwise
    for twin in (wider.read_bytes(), proto.SerializeToString()):
        with pytest.raises(WeightsError, match=r"^odd: is of another network than") as caught:
            mix_weights(clean, twin, 0.5, "odd")
        assert "\n" not in str(caught.value)
    with pytest.raises(WeightsError, match=r"^cut: damaged, or not an ONNX model"):
        mix_weights(clean, clean[:500], 0.5, "cut")


def replace_spec(spec: ModelSpec, **changes: object) -> ModelSpec:
    import msgspec

    return msgspec.structs.replace(spec, **changes)


def test_a_twin_goes_by_its_name(restoring_model: Path, tiny_model: Path) -> None:
    beside = find_twin(find_model(restoring_model))
    assert beside is not None
    assert beside.name == "tiny-restore-x4"
    assert beside.is_twin
    assert find_twin(beside) is None
    assert find_twin(find_model(tiny_model)) is None
    entry = replace(beside, name="splitsr-tiny-restore-x4")
    clean = replace(find_model(restoring_model), name="splitsr-tiny-x4")
    int8 = replace(clean, name="splitsr-tiny-x4-int8", precision="int8")
    catalogue = {one.name: one for one in (clean, entry, int8)}
    assert find_twin(clean, catalogue) is entry
    twin8 = replace(entry, name="splitsr-tiny-restore-x4-int8", precision="int8")
    assert find_twin(int8, catalogue | {twin8.name: twin8}) is twin8
    assert twin8.is_twin
    assert (entry.family, clean.family) == ("splitsr-tiny-restore", "splitsr-tiny")
    assert find_twin(int8, catalogue) is None
    with pytest.raises(UnknownModelError, match=r"tiny-x4: has no twin for degraded images \(tiny"):
        read_mixed(find_model(tiny_model), 0.5)


@pytest.mark.parametrize("entry", [one for one in list_models() if find_twin(one)] or [None])
def test_twins_that_ship_are_of_their_models(entry: ModelEntry | None) -> None:
    if entry is None:
        pytest.skip("no twins in the catalogue yet")
    assert OnnxEngine(read_mixed(entry, 0.5)).spec == entry.spec
