"""Configurations: TOML, --set, round trip, refusals."""

from __future__ import annotations

from pathlib import Path

import pytest

from splitsr.data.degradations import Degradation
from splitsr.errors import ConfigError, SpecError, UnknownModelError
from splitsr.networks import SplitSRSpec
from splitsr.training.config import TrainConfig, config_to_toml, read_config, weights_path
from splitsr.zoo.catalogue import load_catalogue

CONFIGS = Path(__file__).parents[2] / "configs"


def test_resolved_configuration_reads_back(config_path: Path, tmp_path: Path) -> None:
    config = read_config(config_path, ("seed=7", "init_from=a file.safetensors"))
    copy = tmp_path / "copy.toml"
    copy.write_text(config_to_toml(config))
    assert read_config(copy) == config


def test_weights_are_named_or_lie_beside_the_configuration(
    config_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toml = config_path.read_text()
    config_path.write_text(
        'teacher = "splitsr-balanced-x4"\ninit_from = "../other/weights.safetensors"\n' + toml
    )
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    config = read_config(Path("..") / config_path.name)
    assert config.init_from == str(tmp_path.parent / "other" / "weights.safetensors")
    assert config.teacher == "splitsr-balanced-x4"
    shipped = weights_path(config.teacher)
    assert shipped.name == "splitsr-balanced-x4.safetensors"
    assert shipped.is_file()
    changed = read_config(config_path, ("init_from=mine.safetensors", "teacher=splitsr-x4"))
    assert changed.init_from == str(tmp_path / "elsewhere" / "mine.safetensors")
    with pytest.raises(UnknownModelError, match="did you mean splitsr-"):
        weights_path(changed.teacher or "")


def test_every_shipped_model_has_its_configuration() -> None:
    shipped = {name: e for name, e in load_catalogue().items() if e.precision == "fp32"}
    assert sum(not entry.is_twin for entry in shipped.values()) == 9
    for name, entry in shipped.items():
        config = read_config(CONFIGS / f"{name}.toml")
        assert (config.name, config.model) == (name, entry.spec)


def test_degradations_are_read_set_and_written(config_path: Path, tmp_path: Path) -> None:
    config_path.write_text(config_path.read_text() + "[stages.degradation]\njpeg = 0.5\n")
    changes = ("stages.0.degradation.noise=1", "stages.1.degradation.quality=[40, 90]")
    config = read_config(config_path, changes)
    assert config.stages[0].degradation == Degradation(noise=1)
    assert config.stages[1].degradation == Degradation(jpeg=0.5, quality=(40, 90))
    copy = tmp_path / "copy.toml"
    copy.write_text(config_to_toml(config))
    assert read_config(copy) == config


def test_set_reaches_sections_and_stages(config_path: Path) -> None:
    changes = (
        "model.scale=2",
        "optimizer.betas=[0.8, 0.9]",
        "stages.1.steps=5",
        "precision=float32",
    )
    config = read_config(config_path, changes)
    assert config.model.scale == 2
    assert config.optimizer.betas == (0.8, 0.9)
    assert [stage.steps for stage in config.stages] == [8, 5]
    assert config.precision == "float32"


def test_stages_follow_one_another(config_path: Path) -> None:
    config = read_config(config_path)
    assert config.total_steps == 12
    assert [config.stage_at(step).patch_size for step in (0, 7, 8, 11)] == [12, 12, 16, 16]
    with pytest.raises(IndexError):
        config.stage_at(12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("colour=1", "unknown field `colour`"),
        ("optimizer.speed=1", "unknown field `speed`"),
        ("optimizer.learning_rate=0", "optimizer.learning_rate: must be above 0$"),
        ("optimizer.betas=[0.9, 1.0]", r"optimizer.betas\[1\]: must be 0 or more, below 1$"),
        ("stages.0.patch_size=0", r"stages\[0\].patch_size"),
        ("stages.9.steps=1", "no such field"),
        ("stages.0.teacher_weight=1", r"stages\[0\].teacher_weight: needs teacher or targets"),
        ("stages=[]", "stages: must be a list of at least 1$"),
        ("stages.0.degradation.jpeg=2", r"stages\[0\].degradation.jpeg: must be 0 to 1$"),
        ("stages.0.degradation.quality=[9, 3]", "quality: found 9 to 3; the lower end comes first"),
        ("seed=many", r"seed: must be a whole number \(Expected `int`, got `str`\)$"),
        ("seed", "section.field=value"),
        ("ema=1.5", "ema: must be 0 or more, below 1$"),
        ("precision=half", "precision: must be auto, bfloat16 or float32$"),
        ("validation.images=0", "validation.images: must be 1 or more$"),
        ("seed.x=1", "Expected `int`"),
    ],
)
def test_refusals_are_one_clear_line(config_path: Path, change: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        read_config(config_path, (change,))
    assert "\n" not in str(caught.value)


def test_impossible_network(config_path: Path) -> None:
    with pytest.raises(SpecError, match="hybrid_index: found 5"):
        read_config(config_path, ("model.hybrid_index=5",))


def test_broken_and_missing_files(tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("name = ")
    with pytest.raises(ConfigError, match="not a TOML file"):
        read_config(tmp_path / "broken.toml")
    with pytest.raises(ConfigError, match="No such file"):
        read_config(tmp_path / "missing.toml")


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.toml")), ids=lambda path: path.stem)
def test_every_shipped_configuration_is_valid(path: Path) -> None:
    config = read_config(path)
    assert config.name == path.stem
    assert config.total_steps > 0
    for source in (config.init_from, config.teacher):
        assert source is None or weights_path(source).is_file()


def test_defaults_are_the_papers() -> None:
    config = TrainConfig(name="paper")
    assert config.model == SplitSRSpec()
    assert config.stages[0].patch_size * config.model.scale == 96
    assert config.optimizer.betas == (0.9, 0.999)
    assert config.optimizer.eps == 1e-7
    assert config.optimizer.learning_rate == 1e-4
