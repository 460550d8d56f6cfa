"""Tables of a study that is done in part."""

from __future__ import annotations

import msgspec

from splitsr.experiments.grid_results import Row, StudyResult, to_csv, to_markdown


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


def test_gains_are_paired_by_seed() -> None:
    text = to_markdown(study(row("a", 30.0, 30.2), row("b", 30.1, 30.4), row("c", 31.0), row("d")))
    assert "| `a` | 1.2 K | 5.60 G |  | 30.100 |  |" in text
    assert "| `b` | 1.2 K | 5.60 G |  | 30.250 | +0.150 (+0.100 to +0.200) |" in text
    assert "| `c` | 1.2 K | 5.60 G |  | 31.000 (1 of 2 seeds) |  |" in text
    assert "| `d` | 1.2 K | 5.60 G |  | not trained |  |" in text
    assert "over 2 seeds (3 are planned)" in text
    assert "ms: not measured yet" in text


def test_one_seed_says_that_it_is_one() -> None:
    text = to_markdown(study(row("a", 30.0), row("b", 30.1)))
    assert "of 1 seed (3 are planned)" in text
    assert "| 30.100 | +0.100 |" in text


def test_long_runs_show_their_curves() -> None:
    points = ((1000, 29.0), (2000, 29.51), (3000, 29.75), (4000, 29.8))
    long = [msgspec.structs.replace(row(name, 30.0), curve=points) for name in "ab"]
    text = to_markdown(study(*long))
    assert "| held out, after steps | 1,000 | 2,000 | 3,000 | 4,000 |" in text
    assert "| `b` | 29.000 | 29.510 | 29.750 | 29.800 |" in text

    assert "after steps" not in to_markdown(study(long[0], row("b", 30.0)))
    short = msgspec.structs.replace(long[0], curve=points[:3])
    assert "after steps" not in to_markdown(study(short))


def test_csv_has_every_seed() -> None:
    lines = to_csv(study(row("a", 30.0, 30.2), row("c"))).splitlines()
    assert lines[0] == "cell,parameters,multi_adds_720p,milliseconds,seeds,psnr_y Set5,by seed Set5"
    assert lines[1] == "a,1234,5600000000,,2,30.1000,30.0000 30.2000"
    assert lines[2] == "c,1234,5600000000,,0,,"
