from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from splitsr.errors import WeightsError
from splitsr.networks import ModelSpec
from splitsr.runtime.loading import find_networks
from splitsr.runtime.onnx_engine import OnnxEngine, available_cpus


def test_it_runs_any_batch_and_size_from_a_path_or_bytes(tiny_model: Path) -> None:
    lr = np.random.default_rng(0).random((2, 3, 5, 9), np.float32)

    from_path = OnnxEngine(tiny_model, threads=1).run(lr)
    from_bytes = OnnxEngine(tiny_model.read_bytes()).run(lr)

    assert from_path.shape == (2, 3, 20, 36)
    assert from_path.dtype == np.float32
    np.testing.assert_allclose(from_path, from_bytes, atol=1e-5)


def test_spec_and_name_come_from_the_file(tiny_model: Path, tiny_spec: ModelSpec) -> None:
    engine = OnnxEngine(tiny_model)
    assert engine.spec == tiny_spec
    assert engine.name == "tiny-x4"
    assert OnnxEngine(tiny_model, name="mine").name == "mine"


@pytest.mark.parametrize(
    "lr",
    [
        np.zeros((3, 8, 8), np.float32),
        np.zeros((1, 1, 8, 8), np.float32),
        np.zeros((1, 3, 0, 8), np.float32),
        np.zeros((1, 3, 8, 8), np.float64),
    ],
)
def test_another_shape_or_dtype_is_refused(tiny_model: Path, lr: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"lr: found .* must be float32 \(N, 3, H, W\)"):
        OnnxEngine(tiny_model).run(lr)


def test_fewer_than_one_thread_is_refused(tiny_model: Path) -> None:
    with pytest.raises(ValueError, match="threads: found 0"):
        OnnxEngine(tiny_model, threads=0)
    assert available_cpus() >= 1


@pytest.mark.parametrize("shape", [["n", 3, 16, 16], ["n", "h", "w", 3]])
def test_an_export_for_other_programs_is_refused_at_once(
    tmp_path: Path, tiny_model: Path, shape: list[str | int]
) -> None:
    proto = onnx.load(tiny_model)
    for dimension, value in zip(
        proto.graph.input[0].type.tensor_type.shape.dim, shape, strict=True
    ):
        dimension.Clear()
        setattr(dimension, "dim_param" if isinstance(value, str) else "dim_value", value)
    del proto.graph.node[:]
    proto.graph.node.append(onnx.helper.make_node("Identity", ["lr"], ["sr"]))
    proto.graph.output[0].type.CopyFrom(proto.graph.input[0].type)
    del proto.graph.value_info[:]
    onnx.save(proto, tmp_path / "other.onnx")
    with pytest.raises(WeightsError, match="export it again without --input and --layout"):
        OnnxEngine(tmp_path / "other.onnx", threads=1)


def test_weights_are_no_model_yet(tmp_path: Path) -> None:
    with pytest.raises(
        WeightsError, match=r"splitsr export .*mine\.safetensors --format onnx -o mine\.onnx"
    ):
        find_networks(tmp_path / "mine.safetensors")


def test_a_file_that_is_no_model_is_refused(tmp_path: Path, tiny_model: Path) -> None:
    fake = tmp_path / "fake.onnx"
    fake.write_bytes(b"not a model")
    cut = tmp_path / "cut.onnx"
    cut.write_bytes(tiny_model.read_bytes()[:500])
    for path in (fake, cut):
        with pytest.raises(WeightsError, match=r"damaged, or not an ONNX model") as caught:
            OnnxEngine(path)
        assert "\n" not in str(caught.value)
    with pytest.raises(WeightsError, match="No such file"):
        OnnxEngine(tmp_path / "missing.onnx")


def test_a_model_without_a_spec_is_refused(
    tmp_path: Path, make_model: Callable[..., Path], tiny_spec: ModelSpec
) -> None:
    path = make_model(tmp_path / "foreign.onnx", tiny_spec, metadata=False)
    with pytest.raises(WeightsError, match=r"no 'splitsr.spec' in its metadata"):
        OnnxEngine(path)


def test_a_spec_that_cannot_be_built_is_refused(tmp_path: Path, tiny_model: Path) -> None:
    model = onnx.load(tiny_model)
    onnx.helper.set_model_props(model, {"splitsr.spec": '{"scale": 5}'})
    onnx.save(model, tmp_path / "odd.onnx")
    with pytest.raises(WeightsError, match=r"spec cannot be read \(scale"):
        OnnxEngine(tmp_path / "odd.onnx")


def test_other_inputs_are_refused(tmp_path: Path, tiny_model: Path) -> None:
    model = onnx.load(tiny_model)
    for node in model.graph.node:
        node.input[:] = ["image" if name == "lr" else name for name in node.input]
    model.graph.input[0].name = "image"
    onnx.save(model, tmp_path / "image.onnx")
    with pytest.raises(WeightsError, match=r"found inputs and outputs .*'image'"):
        OnnxEngine(tmp_path / "image.onnx")


def test_a_spec_of_another_network_is_noticed(tmp_path: Path, tiny_model: Path) -> None:
    model = onnx.load(tiny_model)
    onnx.helper.set_model_props(model, {"splitsr.spec": '{"scale": 2}'})
    onnx.save(model, tmp_path / "lying.onnx")
    with pytest.raises(WeightsError, match="is not its network's"):
        OnnxEngine(tmp_path / "lying.onnx").run(np.zeros((1, 3, 4, 4), np.float32))
