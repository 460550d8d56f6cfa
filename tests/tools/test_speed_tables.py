"""docs/speed.md says what the results say."""

from __future__ import annotations

from pathlib import Path

import pytest

from splitsr.errors import DataError
from tools.speed_tables import MISSING, speed_blocks

RESULTS = "results"


def test_the_memory_cases_are_within_their_bounds(repo_root: Path) -> None:
    table = speed_blocks(repo_root / RESULTS)["memory"]
    rows = [line.split("|") for line in table.splitlines() if " MB |" in line]

    assert len(rows) == 6
    for row in rows:
        peak, bound = (float(cell.strip().removesuffix(" MB")) for cell in row[-3:-1])
        assert 100 < peak < bound


def test_the_page_is_that_of_the_results(repo_root: Path) -> None:
    text = (repo_root / "docs" / "speed.md").read_text()
    for name, block in speed_blocks(repo_root / RESULTS).items():
        begin, end = f"<!-- begin generated: {name} -->\n", f"\n<!-- end generated: {name} -->"
        assert f"{begin}{block}{end}" in text


def test_missing_and_damaged_results(tmp_path: Path) -> None:
    assert set(speed_blocks(tmp_path).values()) == {MISSING}
    (tmp_path / "memory.json").write_text('{"cases": []}')
    with pytest.raises(DataError, match=r"memory\.json: not a file of results"):
        speed_blocks(tmp_path)
