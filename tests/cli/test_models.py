from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from splitsr.cli.main import cli
from splitsr.networks import ModelSpec
from splitsr.zoo import Catalogue, Figures, ModelEntry, catalogue, list_models

FIELDS = {
    "name",
    "scale",
    "precision",
    "parameters",
    "multi_adds_720p",
    "psnr_y",
    "ssim_y",
    "sha256",
    "licence",
    "file",
}


@pytest.fixture
def one_model(monkeypatch: pytest.MonkeyPatch, tiny_model: Path, tiny_spec: ModelSpec) -> None:
    entry = ModelEntry(
        name="tiny-x4",
        path=tiny_model,
        sha256=hashlib.sha256(tiny_model.read_bytes()).hexdigest(),
        spec=tiny_spec,
        licence="Apache-2.0",
        parameters=5_304,
        multi_adds_720p=306_000_000,
        figures={"Set5": Figures(28.514, 0.81), "Set14": Figures(26.1, 0.7)},
    )
    models: Catalogue = {entry.name: entry}
    monkeypatch.setattr(catalogue, "shipped_catalogue", lambda: models)


@pytest.mark.usefixtures("one_model")
def test_json_has_all_that_is_known(tiny_model: Path) -> None:
    result = CliRunner().invoke(cli, ["models", "--json"])

    (model,) = json.loads(result.stdout)["models"]
    assert set(model) == FIELDS
    assert (model["name"], model["scale"], model["parameters"]) == ("tiny-x4", 4, 5_304)
    assert model["psnr_y"] == {"Set5": 28.514, "Set14": 26.1}
    assert model["sha256"] == hashlib.sha256(Path(model["file"]).read_bytes()).hexdigest()
    assert model["file"] == str(tiny_model)


@pytest.mark.usefixtures("one_model")
def test_the_table_has_the_figures() -> None:
    lines = CliRunner().invoke(cli, ["models"], env={"COLUMNS": "120"}).output
    for part in ("tiny-x4", "x4", "5.3 K", "0.31 G", "28.51", "26.10"):
        assert part in lines


def test_json_of_what_ships() -> None:
    models = json.loads(CliRunner().invoke(cli, ["models", "--json"]).stdout)["models"]

    assert [model["name"] for model in models] == [entry.name for entry in list_models()]
    for model in models:
        assert set(model) == FIELDS
        assert hashlib.sha256(Path(model["file"]).read_bytes()).hexdigest() == model["sha256"]
        assert model["psnr_y"]["Set5"] > 28.43  # bicubic


def test_no_models_are_said_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "shipped_catalogue", dict)
    result = CliRunner().invoke(cli, ["models"])
    assert (result.exit_code, result.stdout) == (0, "")
    assert "ships no models" in result.stderr
