from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from splitsr.evaluation.score import bicubic, evaluate_folder, regardless
from splitsr.evaluation.upscalers import find_upscaler
from tools import degraded_scores
from tools.degraded_tables import DegradedRow, degraded_blocks, read_degraded


@pytest.fixture
def measured(
    restoring_model: Path, photo: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Path]:
    """Runs the tool on two crops, at few qualities; gives the folder of the images, docs beside."""
    monkeypatch.setattr(degraded_scores, "QUALITIES", (90, 20))
    monkeypatch.setattr(degraded_scores, "NOISES", (0.0, 5.0))
    hr = tmp_path / "HR"
    hr.mkdir()
    for index in range(2):
        Image.fromarray(photo[index * 128 :][:128, :100]).save(hr / f"{index}.png")

    def run(*words: object) -> Path:
        call = ("scores", "--root", tmp_path, *words)
        monkeypatch.setattr("sys.argv", [str(word) for word in call])
        degraded_scores.main()
        return tmp_path

    (tmp_path / "results").mkdir(parents=True)
    run(hr, "--model", restoring_model)
    return run


@pytest.mark.usefixtures("measured")
def test_figures_are_those_of_evaluate(restoring_model: Path, tmp_path: Path) -> None:
    model = read_degraded(tmp_path / "results" / "degraded.json").models["tiny-x4"]
    assert (model.scale, model.images) == (4, 2)
    rows = {row.label: row for row in model.rows}
    assert list(rows) == ["clean", "q90", "noise 5 + q90", "q20", "noise 5 + q20"]
    for label, degrade in (("clean", None), ("noise 5 + q90", "noise=5,jpeg=90")):
        row = rows[label]
        for restore, expected in (
            ("auto", row.auto),
            (0.25, row.strengths[2]),
            (1, row.strengths[8]),
        ):
            method = find_upscaler(str(restoring_model), restore=restore)  # type: ignore[arg-type]
            found = evaluate_folder(method.enlarge, 4, tmp_path / "HR", degrade=degrade)
            assert found.method.psnr_y == pytest.approx(expected, abs=1e-3)
            if restore == "auto":
                assert found.method.restore == pytest.approx(row.auto_strength)
        baseline = evaluate_folder(regardless(bicubic(4)), 4, tmp_path / "HR", degrade=degrade)
        assert baseline.bicubic.psnr_y == pytest.approx(row.bicubic, abs=1e-3)


def test_the_blocks_and_the_picture_say_the_same(
    measured: Callable[..., Path], tmp_path: Path
) -> None:
    path = tmp_path / "results" / "degraded.json"
    picture = tmp_path / "docs" / "images" / "degraded-gain.png"
    before = path.read_bytes(), picture.read_bytes()
    measured()  # draws again
    assert (path.read_bytes(), picture.read_bytes()) == before
    blocks = degraded_blocks(path)
    assert "| model | clean | q90 | noise 5 + q90 | q20 |" in blocks["gains"]
    assert "images/degraded-gain.png" in blocks["gains"]
    assert blocks["degraded"].startswith("### tiny-x4\n\nPSNR-Y in dB, x4, 2 images.")
    assert degraded_blocks(tmp_path / "none.json")["gains"] == "Not measured yet."


def test_the_best_strength_is_that_of_the_highest_psnr() -> None:
    strengths = (1.0, 2.0, 5.0, 4.0, 3.0, 2.0, 2.0, 2.0, 2.0)
    row = DegradedRow(
        quality=75, noise=0, bicubic=1, auto=4, auto_strength=0.3, strengths=strengths
    )
    assert row.best_strength == 0.25
