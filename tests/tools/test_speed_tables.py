"""docs/speed.md says what the results say."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from splitsr.benchmark.speed import BenchReport, BenchRow
from splitsr.benchmark.timing import Machine
from splitsr.errors import DataError
from tools.speed_tables import MISSING, NetworksFile, networks_blocks, speed_blocks

RESULTS = "results"


def test_the_memory_cases_are_within_their_bounds(repo_root: Path) -> None:
    table = speed_blocks(repo_root / RESULTS)["memory"]
    rows = [line.split("|") for line in table.splitlines() if " MB |" in line]

    assert len(rows) == 10
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
    assert networks_blocks(tmp_path) == {"time": MISSING}
    (tmp_path / "memory.json").write_text('{"cases": []}')
    with pytest.raises(DataError, match=r"memory\.json: not a file of results"):
        speed_blocks(tmp_path)


def row(model: str, milliseconds: float, threads: int) -> BenchRow:
    return BenchRow(
        model=model,
        size=(48, 48),
        threads=threads,
        precision="fp32",
        ms_median=milliseconds,
        ms_p95=milliseconds,
        mp_per_s=1.0,
        gflops=None,
        peak_share=None,
        peak_rss_mb=None,
        rounds=5,
    )


def test_networks_stand_the_slowest_first_with_a_column_a_case(tmp_path: Path) -> None:
    machine = Machine(cpu="A CPU", cores=2, system="Linux", runtime="ONNX Runtime 1")
    reports = tuple(
        BenchReport(
            machine=machine,
            peak_gflops=1.0,
            rows=(row("fast", 4.96 / threads, threads), row("slow", 50 / threads, threads)),
            ratios=(),
        )
        for threads in (1, 2)
    )
    found = NetworksFile(load=0.04, reports=reports)
    (tmp_path / "networks.json").write_bytes(msgspec.json.encode(found))
    heading, _, *rows = networks_blocks(tmp_path)["time"].splitlines()[:4]
    assert heading == "| network | 48x48, 1 thread | 48x48, 2 threads |"
    assert rows == ["| slow | 50.0 | 25.0 |", "| fast | 5.0 | 2.5 |"]
