"""docs/arm.md says what the results say, and the results what was asked of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from splitsr.errors import DataError
from tests.patience import PATIENCE_S
from tools.arm_tables import ArmFile, arm_blocks
from tools.benchmarks.arm.measure import in_order

SKIPPED = 77
FEW_LEVELS = 12  # by which fused int8 kernels and half floats of two machines may round apart


@pytest.fixture
def found(repo_root: Path) -> ArmFile:
    content = (repo_root / "results" / "arm.json").read_bytes()
    return msgspec.json.decode(content, type=ArmFile)


def test_pictures_of_both_machines_agree(found: ArmFile) -> None:
    for case in found.cases:
        where = (case.runtime, case.model, case.precision, case.cpu)
        if case.precision in ("fp32", "int8-unfused") or case.runtime == "litert":
            assert case.largest_difference <= 1, where
            assert case.differing < 1e-3, where
        assert case.largest_difference <= FEW_LEVELS, where
    compared = {(case.runtime, case.precision) for case in found.cases}
    assert compared >= {(name, "fp32") for name in ("onnxruntime", "litert", "ncnn")}
    assert compared >= {("onnxruntime", "int8"), ("litert", "int8"), ("ncnn", "fp16")}


def test_one_thread_repeats_its_count(found: ArmFile) -> None:
    alone = [case for case in found.cases if case.threads == 1]
    assert alone
    assert all(case.repeat_spread < 0.002 for case in alone)
    assert all(0 < case.vector + case.memory < case.instructions for case in found.cases)
    assert {(case.cpu, case.threads) for case in found.cases} >= {("cortex-a53", 1)}


def test_the_runtime_passes_its_tests_there(found: ArmFile, repo_root: Path) -> None:
    assert sum(one.passed for one in found.tests) >= 50
    assert not sum(one.failed for one in found.tests)
    assert all((repo_root / "tests" / one.file).is_file() for one in found.tests)


def test_the_page_is_that_of_the_results(repo_root: Path) -> None:
    text = (repo_root / "docs" / "arm.md").read_text()
    for name, block in arm_blocks(repo_root / "results" / "arm.json").items():
        begin, end = f"<!-- begin generated: {name} -->\n", f"\n<!-- end generated: {name} -->"
        assert f"{begin}{block}{end}" in text


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "arm.json").write_text("{}")
    with pytest.raises(
        DataError, match=r"arm\.json: not what tools/benchmarks/arm/measure\.py writes"
    ):
        arm_blocks(tmp_path / "arm.json")


def test_without_emulation_it_is_skipped_in_one_line(repo_root: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            repo_root / "tools" / "benchmarks" / "arm" / "prepare.py",
            tmp_path / "arm",
        ],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == SKIPPED
    assert done.stderr == "skipped: no qemu-aarch64 here; it comes with apt-get install qemu-user\n"
    assert not (tmp_path / "arm").exists()


def test_cases_measured_again_replace_those_of_before(found: ArmFile) -> None:
    one = found.cases[3]
    again = msgspec.structs.replace(one, instructions=one.instructions + 1)
    assert in_order([*found.cases, again]) == (*found.cases[:3], again, *found.cases[4:])
    assert in_order(list(found.cases[::-1])) == found.cases
