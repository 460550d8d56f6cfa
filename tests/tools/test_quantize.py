"""Int8 forms are made and measured, enter the catalogue together, and go with their weights."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from splitsr.errors import ModelError, UnknownModelError
from splitsr.export.onnx import export_onnx
from splitsr.networks import SplitSRSpec
from splitsr.networks.build import build_model
from splitsr.networks.checkpoint import save_weights
from splitsr.runtime.upscaler import Upscaler
from splitsr.zoo.catalogue import find_model, load_catalogue
from tools import quantize as quantized
from tools.catalogue_file import _table
from tools.documents import stale_documents
from tools.paths import Paths
from tools.precision_results import read_precision
from tools.quantize import forget_quantized, quantize_shipped

NAME = "tiny-x4"
PAGE = "<!-- begin generated: precision -->\nold\n<!-- end generated: precision -->\n"
SPEC = SplitSRSpec(
    n_feats=8, n_resgroups=1, n_resblocks=1, split_ratio=1.0, hybrid_index=1,
    channel_attention=False, upsampler="single_step", image_skip="nearest",
)  # fmt: skip


@pytest.fixture
def paths(tmp_path: Path, repo_root: Path) -> Paths:
    """A trial with one network that is near its nearest-neighbour skip."""
    found = Paths.of_trial(tmp_path / "zoo", repo_root)
    torch.manual_seed(0)
    network = build_model(SPEC).eval()
    with torch.no_grad():
        network.upsampler[-1].conv.weight.mul_(0.05)  # type: ignore[index, union-attr, operator]
    files = found.weights(NAME, ".onnx")
    files.parent.mkdir(parents=True)
    export_onnx(network, files, name=NAME)
    save_weights(found.weights(NAME, ".safetensors"), SPEC, network.state_dict())
    row = {
        "file": f"{NAME}.onnx",
        "sha256": hashlib.sha256(files.read_bytes()).hexdigest(),
        "licence": "Apache-2.0",
        "parameters": 1,
        "multi_adds_720p": 1,
        "spec": msgspec.to_builtins(SPEC),
        "figures": {"B100": {"psnr_y": 20.0, "ssim_y": 0.5}},
    }
    found.catalogue.write_text(_table(f"models.{NAME}", row))
    found.results.parent.mkdir(parents=True)
    found.page("deploy.md").parent.mkdir(parents=True, exist_ok=True)
    found.page("deploy.md").write_text(PAGE)
    return found


@pytest.fixture
def sets(tmp_path: Path) -> dict[str, Path]:
    (tmp_path / "B100").mkdir()
    Image.fromarray(data.chelsea()[:160, :200]).save(tmp_path / "B100" / "cat.png")
    return {"B100": tmp_path / "B100"}


@pytest.fixture
def faster(monkeypatch: pytest.MonkeyPatch) -> None:
    """Timings of a small network say nothing; these are made up."""
    times = {"fp32": [3.0], "fp16": [4.0], "int8": [1.0]}
    monkeypatch.setattr(quantized, "_interleaved", lambda _: times)


@pytest.mark.usefixtures("faster")
def test_an_int8_form_is_a_model_until_its_weights_change(
    paths: Paths, sets: dict[str, Path]
) -> None:
    photos = [data.astronaut()[:256, :256]]
    record = quantize_shipped(NAME, sets, photos, paths)
    assert list(record.forms) == ["fp32", "fp16", "int8"]
    assert record.speed("int8") == 3
    assert abs(record.loss_db("int8")) < 0.15
    entry = find_model(f"{NAME}-int8", load_catalogue(paths.catalogue))
    assert entry.figures == record.figures
    lr = np.asarray(data.coffee()[:40, :48])
    assert Upscaler(entry.name, catalogue={entry.name: entry})(lr).shape == (160, 192, 3)
    assert f"| {NAME} | fp32 |" in paths.page("deploy.md").read_text()
    assert stale_documents(paths) == []

    forget_quantized(paths, NAME)
    assert read_precision(paths.precision) == {}
    assert not entry.path.exists()
    assert "No model ships in int8 yet." in paths.page("deploy.md").read_text()


def test_one_that_is_slower_is_refused_and_nothing_written(
    paths: Paths, sets: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path: path.read_bytes() for path in paths.zoo.rglob("*") if path.is_file()}
    monkeypatch.setattr(
        quantized, "_interleaved", lambda engines: {form: [1.0] for form in engines}
    )
    with pytest.raises(ModelError, match=r"1\.00 times as fast .* nothing was written"):
        quantize_shipped(NAME, sets, [data.astronaut()[:128, :128]], paths)
    after = {path: path.read_bytes() for path in paths.zoo.rglob("*") if path.is_file()}
    assert after == before
    with pytest.raises(UnknownModelError, match="in float32"):
        quantize_shipped("other-x4", sets, [], paths)
