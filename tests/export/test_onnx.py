"""ONNX files run like the network they were made from, in ONNX Runtime, at any size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from splitsr.export.onnx import export_onnx
from splitsr.networks import SplitSRSpec, spec_from_json
from splitsr.networks.build import build_model

pytestmark = pytest.mark.usefixtures("quick_exports")

SPECS = {
    "shipped form": SplitSRSpec(
        n_feats=16, n_resgroups=2, n_resblocks=2, split_ratio=0.5, hybrid_index=2,
        trunk_kernel=0, upsampler="single_step", image_skip="nearest", rgb_mean=(0.0, 0.0, 0.0),
    ),
    "the paper's, small": SplitSRSpec(n_feats=16, n_resgroups=2, n_resblocks=3, hybrid_index=1),
    "light upsampler, odd ratio": SplitSRSpec(
        scale=3, n_feats=10, n_resgroups=1, n_resblocks=2, split_ratio=0.3, hybrid_index=1,
        replacement_location="both", image_skip="bilinear",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SPECS)
def test_parity_at_sizes_that_were_not_exported(name: str, tmp_path: Path) -> None:
    spec, path = SPECS[name], tmp_path / "net.onnx"
    model = build_model(spec).eval()
    export_onnx(model, path, name="net")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for shape in [(1, 3, 17, 40), (3, 3, 8, 5), (1, 3, 1, 1)]:
        lr = torch.rand(shape)
        with torch.no_grad():
            expected = model(lr).numpy()
        (found,) = session.run(["sr"], {"lr": lr.numpy()})
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_file_describes_itself_and_names_nothing_of_this_machine(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    export_onnx(build_model(SPECS["shipped form"]), path, name="splitsr-net-x4")
    proto = onnx.load(path)
    properties = {entry.key: entry.value for entry in proto.metadata_props}
    assert spec_from_json(properties["splitsr.spec"]) == SPECS["shipped form"]
    assert properties["splitsr.name"] == "splitsr-net-x4"
    assert str(Path(torch.__file__).parent).encode() not in path.read_bytes()
    assert str(Path.cwd()).encode() not in path.read_bytes()


def test_a_round_is_one_grouped_convolution_and_nothing_is_concatenated(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    export_onnx(build_model(SPECS["shipped form"]), path)
    kinds = [node.op_type for node in onnx.load(path).graph.node]
    assert "Concat" not in kinds
    # Input; a round and a tail for two groups; output; the nearest skip as a 1x1 convolution.
    assert kinds.count("Conv") == 1 + 2 * 2 + 1 + 1
    assert "Resize" not in kinds
