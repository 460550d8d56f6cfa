"""What the site has: the app's files, the index of models, golden tiles."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from msgspec import structs
from PIL import Image

from splitsr import Upscaler, WeightsError, ZoomError, list_models
from splitsr.imaging.degradation import jpeg_compression
from splitsr.runtime.restore import ASSUMED_QUALITY, read_tables
from splitsr.zoo.catalogue import ModelEntry, find_model, find_twin, shipped_catalogue
from splitsr.zoomsr import folders
from splitsr.zoomsr.models import GOLDEN_SIDE, STUDY_PHOTOS, offered
from splitsr.zoomsr.site import Site, build_site
from tests.zoomsr.conftest import SCRIPT


@pytest.fixture(scope="module")
def index(site: Site) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(site["models/index.json"].content)
    return found


def pixels(site: Site, path: str) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(site[f"models/{path}"].content)))


def test_the_app_is_there_without_what_is_not_of_it(site: Site, app: Path) -> None:
    assert site[SCRIPT].content == (app / SCRIPT).read_bytes()
    assert ".sources" not in site
    assert site["models/index.json"].content.startswith(b"{")


def test_the_index_has_every_float_model(index: dict[str, Any]) -> None:
    entries = [entry for entry in list_models() if entry.precision == "fp32"]
    shipped = {entry.name: entry for entry in entries if not entry.is_twin}
    assert [row["name"] for row in index["models"]] == list(shipped)
    for row in index["models"]:
        entry = shipped[row["name"]]
        assert row["scale"] == entry.spec.scale
        assert row["halo"] == entry.spec.receptive_radius
        assert row["values_per_pixel"] == entry.spec.values_per_pixel
        assert row["psnr_y"]["Set14"] == entry.figures["Set14"].psnr_y
        assert entry.name == f"splitsr-{row['label']}-x{row['scale']}"


@pytest.fixture
def pair(restoring_model: Path) -> dict[str, ModelEntry]:
    clean = find_model(restoring_model)
    twin = find_twin(clean)
    assert twin is not None
    return {one.name: one for one in (clean, twin)}


def test_twins_for_degraded_images_are_not_offered(pair: dict[str, ModelEntry]) -> None:
    assert [entry.name for entry in offered(pair)] == ["tiny-x4"]


def test_twins_come_with_their_models(app: Path, pair: dict[str, ModelEntry]) -> None:
    site = build_site(app, catalogue=pair)
    index = json.loads(site["models/index.json"].content)
    [row] = index["models"]
    twin = pair["tiny-restore-x4"]
    assert row["twin"] == {
        "name": "tiny-restore-x4",
        "file": "tiny-restore-x4.onnx",
        "bytes": len(twin.read()),
        "sha256": twin.sha256,
        "strengths": msgspec.to_builtins(read_tables()["default"]),
    }
    assert site["models/tiny-restore-x4.onnx"].content == twin.read()
    assert index["assumed_quality"] == ASSUMED_QUALITY


def test_a_twin_of_another_network_is_refused(
    app: Path, pair: dict[str, ModelEntry], tmp_path: Path, make_model: Callable[..., Path]
) -> None:
    spec = structs.replace(pair["tiny-x4"].spec, n_feats=4)
    other = find_model(make_model(tmp_path / "other.onnx", spec, name="tiny-restore-x4"))
    with pytest.raises(WeightsError, match="tiny-restore-x4: is of another network"):
        build_site(app, catalogue={**pair, other.name: other})


def test_models_are_the_files_that_the_index_says(site: Site, index: dict[str, Any]) -> None:
    for row in [*index["models"], *filter(None, (row["twin"] for row in index["models"]))]:
        content = site[f"models/{row['file']}"].content
        assert len(content) == row["bytes"]
        assert hashlib.sha256(content).hexdigest() == row["sha256"]


def test_golden_tiles_are_what_the_runtime_makes(site: Site, index: dict[str, Any]) -> None:
    for row in index["models"]:
        lr = pixels(site, row["golden"]["lr"])
        sr = pixels(site, row["golden"]["sr"])
        assert lr.shape == (GOLDEN_SIDE, GOLDEN_SIDE, 3)
        assert np.ptp(lr) > 150  # a flat tile would prove nothing
        np.testing.assert_array_equal(sr, Upscaler(row["name"])(lr))


def test_the_study_has_its_photos(site: Site, index: dict[str, Any], repo_root: Path) -> None:
    files = [row["file"] for row in index["study"] if row["kind"] == "images"]
    assert files == [f"study/{name}" for name in STUDY_PHOTOS]
    for file in files:
        example = repo_root / "examples" / Path(file).name
        assert site[f"models/{file}"].content == example.read_bytes()


def test_the_study_has_ordinary_jpegs(site: Site, index: dict[str, Any]) -> None:
    files = [row["file"] for row in index["study"] if row["kind"] == "jpeg"]
    qualities = []
    for file in files:
        with Image.open(BytesIO(site[f"models/{file}"].content)) as jpeg:
            assert jpeg.format == "JPEG"
            assert jpeg.layer[0][1:3] == (2, 2)  # colours of half the size: 4:2:0
            compression = jpeg_compression(jpeg)
            photo = pixels(site, f"study/{Path(file).stem.rsplit('-', 1)[0]}.png")
            assert np.abs(np.asarray(jpeg) - photo.astype(int)).mean() < 6
        assert compression is not None
        qualities.append(compression.quality)
    assert qualities == [75, 75, 75, 90, 90, 90]


def test_the_wheel_includes_the_same_photos(repo_root: Path) -> None:
    build = tomllib.loads((repo_root / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    assert build["targets"]["wheel"]["force-include"] == {
        f"examples/{name}": f"splitsr/zoomsr/photos/{name}" for name in STUDY_PHOTOS
    }


def test_the_version_changes_with_the_models(app: Path, index: dict[str, Any]) -> None:
    def version(*names: str) -> str:
        models = {name: shipped_catalogue()[name] for name in names}
        found: str = json.loads(build_site(app, catalogue=models)["models/index.json"].content)[
            "version"
        ]
        return found

    one = version("splitsr-fast-x4")
    assert one == version("splitsr-fast-x4")
    assert len({one, version("splitsr-fast-x2"), index["version"]}) == 3


def test_a_damaged_model_is_refused(app: Path, tmp_path: Path) -> None:
    entry = shipped_catalogue()["splitsr-fast-x4"]
    damaged = tmp_path / entry.path.name
    damaged.write_bytes(entry.path.read_bytes()[:-1] + b"?")
    with pytest.raises(WeightsError, match=r"splitsr-fast-x4\.onnx: damaged"):
        build_site(app, catalogue={entry.name: replace(entry, path=damaged)})


def test_a_missing_app_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "_PACKAGE", tmp_path / "package")
    monkeypatch.setattr(folders, "_CHECKOUT", tmp_path)
    with pytest.raises(ZoomError, match="no ZoomSR app") as caught:
        build_site()
    assert "npm" in str(caught.value)
    assert "\n" not in str(caught.value)
