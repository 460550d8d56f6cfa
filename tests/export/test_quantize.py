"""int8 for ONNX Runtime: integer operators, weights with a scale a channel, pictures exact."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper

from splitsr.export.onnx import build
from splitsr.export.quantize import _activations, _observed, _ranges
from splitsr.export.target import Source, Target
from splitsr.imaging.arrays import to_nchw
from splitsr.networks import SplitSRSpec
from splitsr.networks.build import build_model
from splitsr.networks.splitsr.inference_form import inference_form

pytestmark = pytest.mark.usefixtures("quick_exports")

SPEC = SplitSRSpec(
    n_feats=16, n_resgroups=2, n_resblocks=2, split_ratio=0.5, hybrid_index=2, trunk_kernel=0,
    upsampler="single_step", image_skip="nearest", rgb_mean=(0.0, 0.0, 0.0),
)  # fmt: skip


@pytest.fixture(scope="module")
def int8(tmp_path_factory: pytest.TempPathFactory, photo: np.ndarray) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("int8") / "net.onnx"
    target = Target(format="onnx", precision="int8")
    photos = [photo[:48, :64], photo[200:248, 300:364]]
    build(Source(inference_form(build_model(SPEC)), SPEC, "net", photos), target, path)
    return path


def constants(proto: onnx.ModelProto) -> dict[str, np.ndarray]:
    return {value.name: numpy_helper.to_array(value) for value in proto.graph.initializer}


def test_every_convolution_has_integer_weights_with_a_scale_a_channel(int8: Path) -> None:
    proto = onnx.load(int8)
    values, makers = constants(proto), {n.output[0]: n for n in proto.graph.node}
    convolutions = [node for node in proto.graph.node if node.op_type == "Conv"]
    assert len(convolutions) == 7
    for node in convolutions:
        weight = makers[node.input[1]]
        assert weight.op_type == "DequantizeLinear"
        assert values[weight.input[0]].dtype == np.int8
        assert np.abs(values[weight.input[0]]).max() == 64  # two times 255 fit 16 bits
        assert len(values[weight.input[1]]) == len(values[weight.input[0]])
        groups = [a.i for a in node.attribute if a.name == "group"]
        assert groups in ([], [1])  # dense: integer kernels want one product


def test_pictures_have_their_own_levels(int8: Path) -> None:
    proto = onnx.load(int8)
    values = constants(proto)
    (first,) = [n for n in proto.graph.node if "lr" in n.input]
    (last,) = [n for n in proto.graph.node if "sr" in n.output]
    for node in (first, last):
        assert values[node.input[1]] == np.float32(1 / 255)
        assert values[node.input[2]] == 0


def test_the_runtime_computes_in_integers(int8: Path, tmp_path: Path) -> None:
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(int8, options, providers=["CPUExecutionProvider"])
    kinds = [node.op_type for node in onnx.load(tmp_path / "optimized.onnx").graph.node]
    assert kinds.count("QLinearConv") == 7
    assert "Conv" not in kinds
    (sr,) = session.run(["sr"], {"lr": np.full((1, 3, 9, 12), 0.4, np.float32)})
    np.testing.assert_allclose(sr * 255, np.rint(sr * 255), atol=1e-4)
    assert sr.min() >= 0
    assert sr.max() <= 1


def test_ranges_leave_out_the_rarest_values_but_of_what_is_added_to_the_picture(
    tmp_path: Path, photo: np.ndarray
) -> None:
    torch.manual_seed(0)
    path = tmp_path / "float.onnx"
    build(Source(inference_form(build_model(SPEC)), SPEC, "net"), Target(format="onnx"), path)
    proto, lr = onnx.load(path), to_nchw(photo[:200, :200])
    ranges = _ranges(proto, [lr])
    names, whole = _activations(proto)
    assert ranges.keys() == set(names) > whole
    assert len(whole) == 2  # the copies and the residual
    for name, values in zip(names, _observed(proto, names).run(names, {"lr": lr}), strict=True):
        beyond = np.mean((values < ranges[name]["rmin"]) | (values > ranges[name]["rmax"]))
        assert beyond < 1e-5 if name in whole else 1e-5 < beyond < 1e-4, name
