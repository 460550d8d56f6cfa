"""Int8 forms are made and measured, enter the catalogue together, and go with their weights."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

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
from splitsr.networks.network import Network
from splitsr.runtime.upscaler import Upscaler
from splitsr.zoo.catalogue import find_model, find_twin, load_catalogue
from tools import quantize as quantized
from tools.catalogue_file import _table
from tools.documents import stale_documents
from tools.paths import Paths
from tools.precision_results import read_precision
from tools.quantize import forget_quantized, quantize_shipped, retime_precisions

pytestmark = pytest.mark.usefixtures("quick_exports")

NAME, TWIN = "tiny-x4", "tiny-restore-x4"
PAGE = "<!-- begin generated: precision -->\nold\n<!-- end generated: precision -->\n"
SPEC = SplitSRSpec(
    n_feats=8, n_resgroups=1, n_resblocks=1, split_ratio=1.0, hybrid_index=1,
    channel_attention=False, upsampler="single_step", image_skip="nearest",
)  # fmt: skip


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory, repo_root: Path) -> Path:
    """A zoo with one network that is near its nearest-neighbour skip, under two names."""
    found = Paths.of_trial(tmp_path_factory.mktemp("trial") / "zoo", repo_root)
    torch.manual_seed(0)
    network = build_model(SPEC).eval()
    with torch.no_grad():
        network.upsampler[-1].conv.weight.mul_(0.05)  # type: ignore[index, union-attr, operator]
    found.weights(NAME, ".onnx").parent.mkdir(parents=True)
    rows = [_table(f"models.{name}", shipped(network, name, found)) for name in (NAME, TWIN)]
    found.catalogue.write_text("\n".join(rows))
    for path in (found.results, found.page("deploy.md")):
        path.parent.mkdir(parents=True, exist_ok=True)
    found.page("deploy.md").write_text(PAGE)
    return found.zoo


@pytest.fixture
def paths(trial: Path, tmp_path: Path, repo_root: Path) -> Paths:
    """A copy of that zoo."""
    shutil.copytree(trial, tmp_path / "zoo")
    return Paths.of_trial(tmp_path / "zoo", repo_root)


def shipped(network: Network, name: str, paths: Paths) -> dict[str, Any]:
    """Writes a network's files, and gives its row of the catalogue."""
    path = paths.weights(name, ".onnx")
    export_onnx(network, path, name=name)
    save_weights(paths.weights(name, ".safetensors"), SPEC, network.state_dict())
    return {
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "licence": "Apache-2.0",
        "parameters": 1,
        "multi_adds_720p": 1,
        "spec": msgspec.to_builtins(SPEC),
        "figures": {"B100": {"psnr_y": 20.0, "ssim_y": 0.5}},
    }


@pytest.fixture
def sets(tmp_path: Path) -> dict[str, Path]:
    (tmp_path / "B100").mkdir()
    Image.fromarray(data.chelsea()[:160, :200]).save(tmp_path / "B100" / "cat.png")
    return {"B100": tmp_path / "B100"}


@pytest.fixture
def faster(monkeypatch: pytest.MonkeyPatch) -> None:
    """Timings of a small network say nothing; these are made up."""
    times = [[3.0], [4.0], [1.0]]  # of fp32, fp16 and int8
    monkeypatch.setattr(quantized, "time_engines", lambda *_: times)


@pytest.mark.usefixtures("faster")
def test_the_int8_form_of_a_twin_is_made_for_degraded_images(
    paths: Paths, sets: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[np.ndarray]] = []
    form = quantized._form

    def observed(network: Network, name: str, precision: str, *photos: list[np.ndarray]) -> bytes:
        seen.extend(photos)  # of int8 alone
        return form(network, name, precision, *photos)

    monkeypatch.setattr(quantized, "_form", observed)
    photos = [data.astronaut()[:256, :256]] * 3
    for name in (NAME, TWIN):
        quantize_shipped(name, sets, photos, paths)
    clean, degraded = seen
    assert all((one == clean[0]).all() for one in clean)
    assert len({one.tobytes() for one in (*clean, *degraded)}) == 1 + 3
    catalogue = load_catalogue(paths.catalogue)
    twin = find_twin(catalogue[f"{NAME}-int8"], catalogue)
    assert twin is catalogue[f"{TWIN}-int8"]
    assert list(twin.figures) == ["B100", "B100-jpeg90", "B100-jpeg75"]
    assert twin.figures["B100"].psnr_y > twin.figures["B100-jpeg75"].psnr_y
    assert list(catalogue[f"{NAME}-int8"].figures) == ["B100"]


@pytest.mark.usefixtures("faster")
def test_an_int8_form_is_a_model_until_its_weights_change(
    paths: Paths, sets: dict[str, Path], monkeypatch: pytest.MonkeyPatch
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

    # Timed again, nothing but the times is new.
    other = [[9.0, 6.0], [8.0, 8.0], [2.0, 3.0]]
    monkeypatch.setattr(quantized, "time_engines", lambda *_: other)
    again = retime_precisions((), paths)[NAME]
    assert again.speed("int8") == 3
    assert [form.median_ms for form in again.forms.values()] == [7500, 8000, 2500]
    assert again.loss_db("fp16") == record.loss_db("fp16")
    assert read_precision(paths.precision) == {NAME: again}
    assert stale_documents(paths) == []
    with pytest.raises(UnknownModelError, match="'none-x4' in int8"):
        retime_precisions(("none-x4",), paths)

    forget_quantized(paths, NAME)
    assert read_precision(paths.precision) == {}
    assert not entry.path.exists()
    assert "No model ships in int8 yet." in paths.page("deploy.md").read_text()


def test_one_that_is_slower_is_refused_and_nothing_written(
    paths: Paths, sets: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path: path.read_bytes() for path in paths.zoo.rglob("*") if path.is_file()}
    monkeypatch.setattr(quantized, "time_engines", lambda engines, *_: [[1.0] for _ in engines])
    with pytest.raises(ModelError, match=r"1\.00 times as fast .* nothing was written"):
        quantize_shipped(NAME, sets, [data.astronaut()[:128, :128]], paths)
    after = {path: path.read_bytes() for path in paths.zoo.rglob("*") if path.is_file()}
    assert after == before
    with pytest.raises(UnknownModelError, match="in float32"):
        quantize_shipped("other-x4", sets, [], paths)
