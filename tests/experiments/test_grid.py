"""Studies: which cells a file names, and what it is refused for."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from splitsr.errors import ConfigError
from splitsr.experiments.grid import fingerprint, read_study
from splitsr.training.config import read_config


def test_a_grid_and_named_cells(study_path: Path) -> None:
    study = read_study(study_path)
    assert (study.name, study.question, study.seeds) == ("ratio", "Which ratio?", (1, 2))
    assert [c.label for c in study.cells] == ["split_ratio 0.25", "split_ratio 0.5", "no skip"]
    base = read_config(study_path.parent / "base.toml")
    assert [c.config.model.split_ratio for c in study.cells] == [0.25, 0.5, 0.5]  # type: ignore[union-attr]
    assert study.cells[2].config.model.image_skip == "none"  # type: ignore[union-attr]
    assert {c.config.stages for c in study.cells} == {base.stages}
    assert study.cells[0].seeded(2).seed == 2


def test_a_grid_is_every_combination(study_path: Path) -> None:
    text = study_path.read_text().replace("[vary]", '[vary]\nlight_block = ["split", "ghost"]')
    study_path.write_text(text)
    labels = [cell.label for cell in read_study(study_path).cells]
    assert len(labels) == 5
    assert "light_block ghost, split_ratio 0.5" in labels


def test_a_cell_may_be_another_network(study_path: Path) -> None:
    text = study_path.read_text()
    study_path.write_text(text.replace('{ image_skip = "none" }', '{ base = "srcnn-x4" }'))
    assert read_study(study_path).cells[2].config.model.arch == "srcnn"


def test_equal_runs_have_equal_fingerprints(study_path: Path) -> None:
    first, second, third = read_study(study_path).cells
    base = read_config(study_path.parent / "base.toml", ("validation.every=3", "name=other"))
    assert fingerprint(second.seeded(1)) == fingerprint(base)
    names = {fingerprint(c.seeded(s)) for c in (first, second, third) for s in (1, 2)}
    assert len(names) == 6
    longer = read_config(study_path.parent / "base.toml", ("stages.0.steps=9",))
    assert fingerprint(longer) not in names


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[vary]", "[varry]", "unknown field `varry`"),
        ("split_ratio = [", "split_ration = [", "split_ration: found 0.25; allowed: one of"),
        ("[0.25, 0.5]", "[0.25, 1.5]", "'split_ratio 1.5': split_ratio: found 1.5; allowed"),
        ("split_ratio = [0.25, 0.5]", 'light_block = ["gost"]', "light_block: found 'gost'"),
        ("split_ratio = [0.25, 0.5]", "split_ratio = 0.5", "Expected `array`"),
        ("[0.25, 0.5]", "[0.25, 0.25]", "two cells are called 'split_ratio 0.25'"),
        ("seeds = [1, 2]", "seeds = []", "seeds: at least one"),
        ("seeds = [1, 2]", "seeds = [1, 1]", "seeds: duplicates in"),
        ("seeds = [1, 2]", "", "missing required field `seeds`"),
        ("base.toml", "bass.toml", "bass.toml: No such file"),
        ("question =", "question", "not a TOML file"),
        ("question =", f"deep = {'[' * 5000}", "not a TOML file"),
    ],
)
def test_a_typo_gets_one_clear_line(study_path: Path, old: str, new: str, message: str) -> None:
    study_path.write_text(study_path.read_text().replace(old, new))
    with pytest.raises(ConfigError) as caught:
        read_study(study_path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_cells(study_path: Path) -> None:
    study_path.write_text(study_path.read_text().partition("[vary]")[0])
    with pytest.raises(ConfigError, match="no cells; give"):
        read_study(study_path)


def test_a_typo_on_the_command_line(
    study_path: Path, call_splitsr: Callable[..., subprocess.CompletedProcess[bytes]]
) -> None:
    study_path.write_text(study_path.read_text().replace("[0.25, 0.5]", "[0.25, 2]"))
    folder = study_path.parent
    done = call_splitsr("ablate", study_path, "--data", folder, "--out", folder / "out")
    assert done.returncode == 2
    assert done.stderr.count(b"\n") == 1
    assert b"split_ratio: found 2" in done.stderr
    assert not (folder / "out").exists()


BUDGETS = ("base", "wide")  # wide networks learn at half the rate


def test_the_studies_of_the_repository_are_sound(repo_root: Path) -> None:
    paths = sorted((repo_root / "configs" / "ablation").glob("*.toml"))
    studies = {path.stem: read_study(path) for path in paths if path.stem not in BUDGETS}
    assert set(studies) == {
        "alpha", "attention", "claim", "claim_long", "hybrid_index", "hybrid_mode", "light_block",
        "location", "networks",
    }  # fmt: skip
    assert {study.budget.split(" of ")[0] for study in studies.values()} == {
        "2000 steps", "6000 steps", "20000 steps"
    }  # fmt: skip


def test_a_study_changes_its_configuration(study_path: Path) -> None:
    text = study_path.read_text()
    study_path.write_text('set = ["stages.0.steps=7"]\n' + text)
    assert {cell.config.stages[0].steps for cell in read_study(study_path).cells} == {7}

    study_path.write_text('set = ["stages.0.step=7"]\n' + text)
    with pytest.raises(ConfigError, match="unknown field `step`"):
        read_study(study_path)
