"""Tables of a study that is done in part."""

from __future__ import annotations

from splitsr.experiments.grid_results import Row, StudyResult, spread, to_csv, to_markdown


def row(label: str, *values: float) -> Row:
    psnr = {"Set5": values} if values else {}
    return Row(
        label=label, parameters=1234, multi_adds_720p=5_600_000_000, milliseconds=None, psnr_y=psnr
    )


def study(*rows: Row) -> StudyResult:
    return StudyResult(
        name="s",
        question="?",
        budget="9 steps",
        planned_seeds=3,
        machine=None,
        threads=1,
        rows=rows,
    )


def test_figures_are_mean_and_sample_deviation() -> None:
    text = to_markdown(study(row("a", 30.0, 30.2), row("b", 31.0), row("c")))
    assert "| `a` | 1.2 K | 5.60 G |  | 30.100 ± 0.141 |" in text
    assert "| `b` | 1.2 K | 5.60 G |  | 31.000 (1 of 2 seeds) |" in text
    assert "| `c` | 1.2 K | 5.60 G |  | not trained |" in text
    assert "over 2 seeds (3 are planned)" in text
    assert "ms: not measured yet" in text


def test_one_seed_says_that_it_is_one() -> None:
    assert "of 1 seed (3 are planned)" in to_markdown(study(row("a", 30.0)))
    assert spread((30.0,)) is None


def test_csv_has_the_same_figures() -> None:
    lines = to_csv(study(row("a", 30.0, 30.2), row("c"))).splitlines()
    assert lines[0] == "cell,parameters,multi_adds_720p,milliseconds,seeds,psnr_y Set5,spread Set5"
    assert lines[1] == "a,1234,5600000000,,2,30.1000,0.1414"
    assert lines[2] == "c,1234,5600000000,,0,,"
