from __future__ import annotations

import tomllib
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from splitsr.data.pack import PackWriter
from splitsr.runtime.restore import TABLES, read_tables
from splitsr.runtime.upscaler import Upscaler
from tools.fit_restore import (
    KNOTS,
    NOISES,
    QUALITIES,
    SHARES,
    STRENGTHS,
    Sample,
    fit,
    main,
    measure,
    report,
    tables_with,
)


def samples_best_at(strength: float, *, noise: float = 0.0) -> list[Sample]:
    """Three images of each quality, whose PSNR-Y falls on both sides of a strength."""
    scores = 30 - np.abs(STRENGTHS - strength)
    estimate = KNOTS[1][NOISES.index(noise)]
    return [Sample(quality, noise, estimate, scores) for quality in QUALITIES for _ in range(3)]


def test_a_table_has_the_best_strength_of_each_quality_and_noise() -> None:
    table = fit([*samples_best_at(0.25, noise=0.0), *samples_best_at(0.75, noise=2.0)])
    for quality in KNOTS[0]:
        assert table.at(quality, 0.0) == 0.25
        assert table.at(quality, KNOTS[1][1]) == table.at(quality, 99.0) == 0.75


def test_a_table_restores_more_the_worse_a_file_is() -> None:
    """Whatever few images that are fitted to would have."""
    rng = np.random.default_rng(0)
    samples = [
        Sample(quality, noise, estimate, 30 + rng.normal(0, 1, len(STRENGTHS)))
        for quality in QUALITIES
        for noise, estimate in product(NOISES, KNOTS[1])
        for _ in range(4)
    ]
    strengths = np.array(fit(samples).strength)
    assert (np.diff(strengths, axis=1) <= 0).all()
    assert (np.diff(strengths, axis=0) >= 0).all()
    assert len(np.unique(strengths)) > 1


def test_the_few_are_not_given_up_for_the_many() -> None:
    """Images that look alike: the mean would give all that one kind gains to the other."""
    many, few = (
        [Sample(quality, noise, KNOTS[1][0], scores) for quality in QUALITIES for _ in range(4)]
        for noise, scores in ((0.0, 30 - 5 * STRENGTHS), (10.0, 30 + 7.5 * STRENGTHS))
    )
    assert SHARES[0.0] * 5 > SHARES[10.0] * 7.5
    assert fit(many).at(90, 0.0) == 0
    assert fit(few).at(90, 0.0) == 1
    assert 0.25 <= fit([*many, *few]).at(90, 0.0) <= 0.75


def test_the_report_tells_what_is_lost() -> None:
    samples = [s._replace(noise=noise) for noise in NOISES for s in samples_best_at(0.5)]
    head, *lines = report(samples, fit(samples_best_at(0.25)))
    assert head.split()[-1] == "loss"
    assert len(lines) == len(QUALITIES) * len(NOISES)
    assert {line.split()[-1] for line in lines} == {"+0.25"}


def test_a_table_is_added_to_the_file_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "restore.toml"
    path.write_bytes(TABLES.read_bytes())
    for strength in (0.25, 0.5):
        table = fit(samples_best_at(strength))
        path.write_bytes(tables_with(path, "splitsr-tiny-x4", table))
    assert path.read_text().startswith(TABLES.read_text().split("\n\n")[0])
    assert (
        tomllib.loads(path.read_text())["default"] == tomllib.loads(TABLES.read_text())["default"]
    )
    read_tables.cache_clear()
    assert read_tables(path)["splitsr-tiny-x4"] == table


def test_each_degradation_is_measured_at_each_strength(
    restoring_model: Path, photo: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.fit_restore.QUALITIES", (50, 95))
    monkeypatch.setattr("tools.fit_restore.NOISES", (0.0, 10.0))
    upscaler = Upscaler(restoring_model, threads=1)
    found = list(measure(upscaler, photo[:129, :130], "photo"))
    assert [(one.quality, one.noise) for one in found] == [(50, 0), (50, 10), (95, 0), (95, 10)]
    assert all(one.psnr_y.shape == STRENGTHS.shape for one in found)
    assert found[3].estimate > found[2].estimate
    assert np.ptp(found[0].psnr_y) > 0


def test_what_is_fitted_can_be_checked(
    restoring_model: Path,
    photo: np.ndarray,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("tools.fit_restore.QUALITIES", (50, 95))
    monkeypatch.setattr("tools.fit_restore.NOISES", (0.0,))
    (tmp_path / "pack").mkdir()
    with PackWriter(tmp_path / "pack") as writer:
        for index in range(2):
            writer.add(str(index), photo[index * 128 :][:128, :128])
        writer.finish()
    tables = tmp_path / "restore.toml"
    tables.write_bytes(TABLES.read_bytes())
    call = ["fit", tmp_path / "pack", "--model", restoring_model, "--tables", tables]
    reports = []
    for last in ("--write", "--check"):
        read_tables.cache_clear()
        monkeypatch.setattr("sys.argv", [str(word) for word in (*call, last)])
        main()
        reports.append(capsys.readouterr().out)
    assert "tiny-x4" in tomllib.loads(tables.read_text())
    assert reports[0] == reports[1]
    assert len(reports[0].splitlines()) == 3
