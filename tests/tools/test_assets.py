from __future__ import annotations

import hashlib
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from splitsr.export.checked import LIMITS_DB
from splitsr.export.target import Target
from splitsr.runtime.upscaler import Upscaler
from splitsr.zoo.catalogue import shipped_catalogue
from tools.__main__ import command
from tools.assets import CHECKSUMS, STRENGTH, export

pytestmark = pytest.mark.usefixtures("quick_exports")

AXES = ("family", "scale")
ROOT = Path(__file__).parents[2]


def test_a_release_has_every_precision_and_the_checksums_of_all(tmp_path: Path) -> None:
    words = ["assets", str(tmp_path), "splitsr-fast-x4", "--format", "ncnn"]
    done = CliRunner().invoke(command, words)
    assert done.exit_code == 0, done.output
    models = ("splitsr-fast-x4", "splitsr-fast-restore0.5-x4")
    kinds = ("ncnn-fp32.zip", "ncnn-fp16.zip")
    sums = dict(line.split()[::-1] for line in (tmp_path / CHECKSUMS).read_text().splitlines())
    assert sums.keys() == {f"{model}-{kind}" for model in models for kind in kinds}
    for name, checksum in sums.items():
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == checksum
    with zipfile.ZipFile(tmp_path / "splitsr-fast-x4-ncnn-fp16.zip") as packed:
        assert packed.namelist() == ["splitsr-fast-x4.bin", "splitsr-fast-x4.param"]


def test_a_model_for_photos_is_the_mix_that_the_runtime_makes(
    tmp_path: Path, photo: np.ndarray
) -> None:
    asset = export("splitsr-fast-x4", Target(format="onnx"), STRENGTH, [photo])
    path = tmp_path / asset.name
    path.write_bytes(asset.content or b"")
    expected = Upscaler("splitsr-fast-x4", restore=STRENGTH)(photo[:32, :32])
    found = Upscaler(path)(photo[:32, :32])
    np.testing.assert_allclose(found.astype(int), expected, atol=1)


def test_an_export_that_loses_too_much_is_none(
    photo: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LIMITS_DB, "fp16", -1.0)
    asset = export("splitsr-fast-x4", Target(format="onnx", precision="fp16"), 0, [photo])
    assert (asset.name, asset.content) == ("splitsr-fast-x4-onnx-fp16", None)
    assert "0.0" in asset.remark


def test_the_release_exports_every_model_that_ships() -> None:
    workflow = (ROOT / ".github/workflows/release.yml").read_text()
    matrix = {key: re.findall(rf"^ +{key}: \[(.+)\]$", workflow, re.M) for key in AXES}
    family, scale = ("".join(matrix[key]).split(", ") for key in AXES)
    named = {f"splitsr-{each}-x{factor}" for each in family for factor in scale}
    clean = {
        entry.name
        for entry in shipped_catalogue().values()
        if not entry.is_twin and not entry.name.endswith("-int8")
    }
    assert named == clean
