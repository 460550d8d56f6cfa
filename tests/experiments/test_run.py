"""Running studies: what they leave, what is not done twice, what an interrupt keeps."""

from __future__ import annotations

import csv
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from statistics import fmean

import pytest
import torch
from PIL import Image

from splitsr.benchmark.timing import describe_machine
from splitsr.data.pack import Pack, PackWriter
from splitsr.errors import DataError, TrainingError
from splitsr.experiments import run
from splitsr.experiments.grid import fingerprint, read_study
from splitsr.experiments.grid_results import gains, to_markdown
from splitsr.experiments.run import run_study
from splitsr.networks.checkpoint import read_weights
from splitsr.training.config import TrainConfig
from splitsr.training.log import Record
from tests.experiments.conftest import STUDY
from tools.documents import read_studies

pytestmark = pytest.mark.usefixtures("quick_exports")


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def hr(tmp_path: Path, pack: Pack) -> Path:
    folder = tmp_path / "hr"
    folder.mkdir()
    Image.fromarray(pack[1][:96, :96]).save(folder / "coffee.png")
    return folder


def test_a_study_leaves_results_tables_and_a_picture(
    study_path: Path, pack: Pack, tmp_path: Path, hr: Path
) -> None:
    study, out = read_study(study_path), tmp_path / "out"
    result = run_study(study, pack, out, sets={"Coffee": hr})
    assert [row.seeds for row in result.rows] == [2, 2, 2]
    assert result.sets == ("held out", "Coffee")
    assert all(row.milliseconds is not None and row.milliseconds > 0 for row in result.rows)
    assert result.rows[0].parameters < result.rows[1].parameters
    assert read_studies(out) == [result]

    with (out / "ratio.csv").open() as file:
        lines = list(csv.DictReader(file))
    cell = json.loads((out / "cells" / f"{fingerprint(study.cells[1].seeded(2))}.json").read_text())
    assert cell["psnr_y"]["Coffee"] == result.rows[1].psnr_y["Coffee"][1]
    assert (cell["seed"], cell["steps"]) == (2, 12)
    assert cell["curve"][-1] == [12, pytest.approx(cell["psnr_y"]["held out"], abs=1e-3)]
    mean = fmean(result.rows[1].measured("Coffee"))
    assert lines[1]["psnr_y Coffee"] == f"{mean:.4f}"
    assert len(lines[1]["by seed Coffee"].split()) == 2
    assert f"| {mean:.3f} | " in (out / "ratio.md").read_text()
    with Image.open(out / "ratio.png") as picture:
        assert picture.width > 1200


def test_what_is_done_is_not_done_again(
    study_path: Path, pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, out = read_study(study_path), tmp_path / "out"
    first = run_study(study, pack, out, seeds=(1,), latency=False)
    assert [row.seeds for row in first.rows] == [1, 1, 1]
    assert "of 1 seed (2 are planned)" in to_markdown(first)
    monkeypatch.setattr(run, "train", lambda *_, **__: pytest.fail("trained again"))
    again = run_study(study, pack, out, seeds=(1,), latency=False)
    assert again == first
    # Another study shares the cell.
    other = study_path.with_name("other.toml")
    other.write_text(study_path.read_text().replace("[0.25, 0.5]", "[0.5]"))
    shared = run_study(read_study(other), pack, out, seeds=(1,), latency=False)
    assert shared.rows[0].psnr_y == first.rows[1].psnr_y
    with pytest.raises(TrainingError, match=r"seeds: 3 is not one of the study's \[1, 2\]"):
        run_study(study, pack, out, seeds=(3,))


def test_cells_of_other_images_are_refused(
    study_path: Path, pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cell's name does not say what it was trained on: its file does."""
    study, out = read_study(study_path), tmp_path / "out"
    run_study(study, pack, out, seeds=(1,), latency=False)
    monkeypatch.setattr(run, "train", lambda *_, **__: pytest.fail("trained again"))
    study_path.write_text('set = ["validation.images=2"]' + STUDY)
    with pytest.raises(TrainingError, match=r"validation.images = 1, the study has 2; use another"):
        run_study(read_study(study_path), pack, out, seeds=(1,), latency=False)
    study_path.write_text(STUDY)
    other = tmp_path / "other.pack"
    other.mkdir()
    with PackWriter(other) as writer:
        for index in (1, 0, 2):
            writer.add(f"{index}.png", pack[index])
        writer.finish()
    with pytest.raises(TrainingError, match="was trained on another pack; use another folder"):
        run_study(study, Pack.open(other), out, seeds=(1,), latency=False)


def test_cells_that_lack_a_test_set_or_a_seed_are_shown_without(
    study_path: Path, pack: Pack, tmp_path: Path, hr: Path
) -> None:
    study, out = read_study(study_path), tmp_path / "out"
    run_study(study, pack, out, seeds=(1,), latency=False)
    late = _cell_path(out, study.cells[1].seeded(1))
    late.unlink()
    both = run_study(study, pack, out, sets={"Coffee": hr}, seeds=(1,), latency=False)
    assert [row.measured("Coffee") != () for row in both.rows] == [False, True, False]
    assert "not measured" in to_markdown(both)
    assert "not trained" not in to_markdown(both)
    assert (out / "ratio.png").stat().st_size > 0
    # Seed 1 of one network is not compared with seed 2 of another.
    run_study(study, pack, out, seeds=(2,), latency=False)
    _cell_path(out, study.cells[0].seeded(1)).unlink()
    _cell_path(out, study.cells[1].seeded(2)).unlink()
    first, second, whole = run.remeasure(study, out).rows
    assert (first.seeds, second.seeds, whole.seeds) == (1, 1, 2)
    assert gains(second, first, "held out") == ()


def _cell_path(out: Path, config: TrainConfig) -> Path:
    return out / "cells" / f"{fingerprint(config)}.json"


def test_an_interrupt_keeps_what_is_done_and_the_rest_goes_on(
    study_path: Path, pack: Pack, tmp_path: Path
) -> None:
    study, out = read_study(study_path), tmp_path / "out"

    def interrupt(label: str, _done: int, _total: int, record: Record | None) -> None:
        if label == "split_ratio 0.5" and record is not None and record.step >= 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_study(study, pack, out, seeds=(1,), latency=False, report=interrupt)
    (partial,) = read_studies(out)
    assert [row.seeds for row in partial.rows] == [1, 0, 0]
    assert "not trained" in to_markdown(partial)
    run_study(study, pack, out, seeds=(1,), latency=False)
    run_study(study, pack, tmp_path / "whole", seeds=(1,), latency=False)

    key = fingerprint(study.cells[1].seeded(1))
    resumed, whole = (
        read_weights(folder / "runs" / key / "weights.safetensors")[1]
        for folder in (out, tmp_path / "whole")
    )
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)
    same = [
        json.loads((f / "cells" / f"{key}.json").read_text()) for f in (out, tmp_path / "whole")
    ]
    assert same[0]["psnr_y"] == same[1]["psnr_y"]


def test_latency_is_measured_again_without_training(
    study_path: Path,
    pack: Pack,
    tmp_path: Path,
    call_splitsr: Callable[..., subprocess.CompletedProcess[bytes]],
) -> None:
    study, out = read_study(study_path), tmp_path / "out"
    again = ["ablate", study_path, "--out", out, "--remeasure"]
    refused = call_splitsr(*again)
    assert refused.returncode == 1
    assert b"no cell of ratio is trained here" in refused.stderr
    assert not out.exists()
    before = run_study(study, pack, out, seeds=(1,), latency=False)
    assert before.machine is None
    done = call_splitsr(*again, "--threads", 2, "--json")
    assert done.returncode == 0, done.stderr
    (after,) = read_studies(out)
    assert [row.psnr_y for row in after.rows] == [row.psnr_y for row in before.rows]
    assert (after.threads, after.machine) == (2, describe_machine())
    assert all(row.milliseconds for row in after.rows)
    # What was measured, and how, outlives a call that measures nothing.
    assert run_study(study, pack, out, seeds=(1,), latency=False, threads=1) == after
    for wrong in (["--data", pack.folder], ["--no-latency"]):
        assert call_splitsr(*again, *wrong).returncode == 2


def test_a_damaged_result_is_named(study_path: Path, pack: Pack, tmp_path: Path) -> None:
    study, out = read_study(study_path), tmp_path / "out"
    key = fingerprint(study.cells[0].seeded(1))
    (out / "cells").mkdir(parents=True)
    (out / "cells" / f"{key}.json").write_text("{")
    with pytest.raises(DataError, match=rf"{key}.json: not a result .*remove it"):
        run_study(study, pack, out, seeds=(1,), latency=False)


def test_the_command(
    study_path: Path,
    pack: Pack,
    tmp_path: Path,
    call_splitsr: Callable[..., subprocess.CompletedProcess[bytes]],
) -> None:
    study_path.write_text(study_path.read_text().partition("[[cells]]")[0])
    out = tmp_path / "out"
    arguments = ["ablate", study_path, "--data", pack.folder, "--out", out, "--seed", 2, "--json"]
    done = call_splitsr(*arguments, "--no-latency")
    assert done.returncode == 0, done.stderr
    assert done.stdout == (out / "ratio.json").read_bytes()
    assert [row["label"] for row in json.loads(done.stdout)["rows"]] == [
        "split_ratio 0.25",
        "split_ratio 0.5",
    ]
