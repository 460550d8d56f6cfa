"""`splitsr info` on specs, weights and models."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from splitsr.cli.info import command
from splitsr.errors import ConfigError, SpecError, SplitSRError, UnknownModelError, WeightsError
from splitsr.networks import SplitSRSpec
from splitsr.networks.build import build_model
from splitsr.networks.checkpoint import save_weights

SPEC = SplitSRSpec(n_feats=8, n_resgroups=1, n_resblocks=2, hybrid_index=1)


def info(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, catch_exceptions=False)


def test_paper_as_json() -> None:
    answer = json.loads(info("paper", "--json").output)
    assert answer["parameters"] == 1_939_051
    assert answer["receptive_radius"] == 52
    assert answer["multi_adds_720p"] == sum(row["multi_adds_720p"] for row in answer["layers"])
    assert answer["spec"]["hybrid_mode"] == "split_first"


def test_weights_and_configuration(tmp_path: Path) -> None:
    weights = tmp_path / "net.safetensors"
    save_weights(weights, SPEC, build_model(SPEC).state_dict())
    config = tmp_path / "net.toml"
    config.write_text("[model]\nn_feats = 8\nn_resgroups = 1\nn_resblocks = 2\nhybrid_index = 1\n")
    first = json.loads(info(str(weights), "--json").output)
    second = json.loads(info(str(config), "--json").output)
    del first["model"], second["model"]
    assert first == second


def test_table_names_every_layer() -> None:
    output = info("paper").output
    assert "1,939,051" in output
    assert "52 LR pixels" in output
    assert "no: global attention" in output
    assert "head" in output


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        ("bad.toml", "[model]\nscale = 5\n", SpecError),
        ("broken.toml", "model = ", ConfigError),
        ("bad.safetensors", "not tensors", WeightsError),
        ("missing.toml", None, ConfigError),
        ("missing.safetensors", None, WeightsError),
    ],
)
def test_refusals(tmp_path: Path, name: str, text: str | None, error: type[SplitSRError]) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(error):
        info(str(tmp_path / name))


def test_unknown_model() -> None:
    with pytest.raises(UnknownModelError):
        info("splitsr-enormous-x4")
    with pytest.raises(UnknownModelError, match="did you mean edsr-baseline-x4"):
        info("edsr-basline-x4")


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("edsr-baseline-x4", 1_517_571),
        ("edsr-x2", 40_729_603),
        ("rcan-x3", 15_629_283),
        ("san-x4", 15_859_372),
        ("srcnn-x2", 57_281),
    ],
)
def test_networks_of_other_papers(name: str, parameters: int) -> None:
    answer = json.loads(info(name, "--json").output)
    assert answer["parameters"] == parameters
    assert answer["spec"]["scale"] == int(name[-1])
    assert answer["multi_adds_720p"] == sum(row["multi_adds_720p"] for row in answer["layers"])


def test_interpolation_has_no_layers() -> None:
    assert json.loads(info("bilinear-x4", "--json").output)["parameters"] == 0
    assert "receptive radius  2 LR pixels" in info("bicubic-x4").output


def test_a_configuration_that_begins_with_a_network_by_name(tmp_path: Path) -> None:
    config = tmp_path / "small.toml"
    config.write_text('[model]\nbase = "edsr-baseline-x3"\nn_feats = 32\n')
    answer = json.loads(info(str(config), "--json").output)
    assert answer["spec"]["arch"] == "edsr"
    assert (answer["spec"]["n_feats"], answer["spec"]["scale"]) == (32, 3)
    config.write_text('model = "edsr-baseline-x3"\n')
    with pytest.raises(ConfigError, match="must be a table"):
        info(str(config))


def test_without_torch_a_spec_says_what_to_install(tmp_path: Path) -> None:
    blocked = "import sys; sys.modules['torch'] = None; from splitsr.cli.main import main; main()"
    call = [sys.executable, "-c", blocked, "info", "paper"]
    done = subprocess.run(call, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 1
    assert "pip install 'splitsr[train]'" in done.stderr
    assert done.stderr.count("\n") == 1
    call[-1] = "splitsr-fast-x4"
    assert "install 'splitsr[train]' to list them" in subprocess.check_output(call, text=True)
