"""Every format, run in its own runtime, is the network in PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from splitsr.errors import ModelError
from splitsr.export.backends import Backend
from splitsr.export.target import RUNTIMES, Format, Precision, Source, Target
from splitsr.imaging.arrays import to_nchw
from splitsr.imaging.resize import resize_bicubic
from splitsr.networks import EDSRSpec, ModelSpec, RCANSpec, SANSpec, SplitSRSpec, SRCNNSpec
from splitsr.networks.build import build_model
from splitsr.networks.network import Network
from splitsr.networks.splitsr.inference_form import inference_form
from splitsr.runtime.engine import Engine

pytestmark = pytest.mark.usefixtures("quick_exports")

SPECS: dict[str, ModelSpec] = {
    "shipped form": SplitSRSpec(
        n_feats=16, n_resgroups=2, n_resblocks=2, split_ratio=0.5, hybrid_index=2,
        trunk_kernel=0, upsampler="single_step", image_skip="nearest", rgb_mean=(0.0, 0.0, 0.0),
    ),
    "the paper's, small": SplitSRSpec(
        n_feats=16, n_resgroups=2, n_resblocks=3, hybrid_index=1, reduction=4
    ),
    "light upsampler, odd ratio": SplitSRSpec(
        scale=3, n_feats=10, n_resgroups=1, n_resblocks=2, split_ratio=0.3, hybrid_index=1,
        replacement_location="both", image_skip="bilinear",
    ),
    "depthwise": SplitSRSpec(
        scale=2, n_feats=16, n_resgroups=1, n_resblocks=4, hybrid_index=1,
        light_block="split_depthwise", image_skip="nearest",
    ),
    "EDSR": EDSRSpec(scale=2, n_feats=8, n_resblocks=2),
    "RCAN": RCANSpec(scale=2, n_feats=8, n_resgroups=1, n_resblocks=1, reduction=2),
}  # fmt: skip
LEAST_DB: dict[Precision, float] = {"fp32": 90, "fp16": 60, "int8": 38}
FORMATS: tuple[Format, ...] = ("onnx", "litert", "ncnn", "executorch")


@pytest.fixture(autouse=True)
def _quick_lowering(request: pytest.FixtureRequest) -> None:
    """For ExecuTorch alone: importing it takes seconds."""
    if "executorch" in request.node.name:
        request.getfixturevalue("quick_lowering")


@pytest.fixture
def photos(photo: np.ndarray) -> list[np.ndarray]:
    return [resize_bicubic(photo, 64, 64), resize_bicubic(photo[:256, 128:384], 64, 80)]


def network_of(spec: ModelSpec) -> Network:
    torch.manual_seed(1)
    return build_model(spec).eval()


def exported(network: Network, target: Target, photos: list[np.ndarray], folder: Path) -> Engine:
    converter = Backend(target.format)
    path = folder / f"net{RUNTIMES[target.format].suffixes[0]}"
    source = Source(inference_form(network), network.spec, "net", photos)
    converter.build(source, target, path)
    return converter.engine(path, network.spec, target)


def agreement(network: Network, engine: Engine, lr: np.ndarray) -> float:
    """PSNR of an export against the network, dB."""
    with torch.inference_mode():
        expected = network(torch.from_numpy(lr)).numpy()
    found = engine.run(lr)
    assert found.shape == expected.shape
    error = np.mean((np.clip(found, 0, 1) - np.clip(expected, 0, 1)) ** 2)
    return float(-10 * np.log10(error + 1e-12))


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("kind", FORMATS)
def test_an_export_for_any_size_is_the_network(
    kind: Format, name: str, photos: list[np.ndarray], tmp_path: Path
) -> None:
    if kind == "executorch" and name not in ("shipped form", "light upsampler, odd ratio"):
        pytest.skip("ExecuTorch takes long; two networks have every kind of layer that we ship")
    if kind == "onnx" and name not in ("EDSR", "RCAN"):
        pytest.skip("ONNX of the others is compared with PyTorch in test_onnx.py")
    network = network_of(SPECS[name])
    target = Target(format=kind, layout=RUNTIMES[kind].layout)
    engine = exported(network, target, photos, tmp_path)
    for height, width in [(24, 32), (17, 40)]:
        lr = to_nchw(photos[1][:height, :width])
        assert agreement(network, engine, lr) > LEAST_DB["fp32"], (height, width)


@pytest.mark.parametrize("size", [None, (20, 28)], ids=["any size", "20x28"])
@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
@pytest.mark.parametrize("precision", ["fp16", "int8"])
@pytest.mark.parametrize("kind", FORMATS)
def test_precisions_layouts_and_sizes(
    kind: Format, precision: Precision, layout: str, size: tuple[int, int] | None,
    photos: list[np.ndarray], tmp_path: Path,
) -> None:  # fmt: skip
    target = Target(format=kind, precision=precision, size=size, layout=layout)  # type: ignore[arg-type]
    if target.refusal:
        assert kind == "ncnn"
        return
    if kind == "executorch" and (layout == "nhwc") != (size is None):
        pytest.skip("ExecuTorch takes long; both layouts and sizes are covered by two of four")
    network = network_of(SPECS["shipped form"])
    lr = to_nchw(photos[1][:20, :28])
    crops = [photo[:20, :28] for photo in photos]
    engine = exported(network, target, crops, tmp_path)
    found = agreement(network, engine, lr)
    assert LEAST_DB[precision] < found < 110, "lower precision that costs nothing is not there"


def test_weights_take_half_the_bytes_in_fp16(photos: list[np.ndarray], tmp_path: Path) -> None:
    network = network_of(SplitSRSpec(n_feats=48, n_resgroups=1, n_resblocks=1, hybrid_index=0))
    for kind, suffix in (("litert", ".tflite"), ("ncnn", ".bin")):
        sizes = []
        for precision in ("fp32", "fp16"):
            target = Target(format=kind, precision=precision, layout=RUNTIMES[kind].layout)  # type: ignore[arg-type, index]
            exported(network, target, photos, tmp_path)
            sizes.append((tmp_path / f"net{suffix}").stat().st_size)
        assert sizes[1] < 0.56 * sizes[0], kind


def test_litert_refuses_what_it_does_not_know(photos: list[np.ndarray], tmp_path: Path) -> None:
    network = network_of(SANSpec(scale=2, n_feats=8, n_resgroups=1, n_resblocks=1, reduction=2))
    with pytest.raises(ModelError, match=r"LiteRT export does not know .*export to onnx"):
        exported(network, Target(format="litert", layout="nhwc"), photos, tmp_path)


def test_a_litert_file_says_what_it_is(
    photos: list[np.ndarray], tmp_path: Path, tiny_spec: ModelSpec
) -> None:
    from ai_edge_litert.interpreter import Interpreter

    exported(network_of(tiny_spec), Target(format="litert", layout="nhwc"), photos, tmp_path)
    interpreter = Interpreter(model_path=str(tmp_path / "net.tflite"))
    signatures = interpreter.get_signature_list()
    assert signatures == {"serving_default": {"inputs": ["lr"], "outputs": ["sr"]}}
    (port,) = interpreter.get_input_details()
    assert list(port["shape_signature"]) == [1, -1, -1, 3]
    kinds = [operator["op_name"] for operator in interpreter._get_ops_details()]
    assert kinds.count("DEPTH_TO_SPACE") == 1
    assert "GATHER" not in kinds  # the order of the channels went into the weights


@pytest.mark.parametrize("make", [SRCNNSpec])
def test_networks_at_full_size_export_too(
    make: Callable[..., ModelSpec], photos: list[np.ndarray], tmp_path: Path
) -> None:
    network = network_of(make(scale=2))
    engine = exported(network, Target(format="onnx"), photos, tmp_path)
    assert agreement(network, engine, to_nchw(photos[1][:20, :28])) > LEAST_DB["fp32"]
