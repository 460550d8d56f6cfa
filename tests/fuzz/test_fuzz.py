"""What the fuzzer found stays mended, and a few hundred cases find nothing new."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import whole_path
from tests.fuzz.parsers import check
from tests.fuzz.seeds import CORPUS, make_seeds
from tests.fuzz.whole_path import WholePath, case
from tests.imaging.carried import BUILT_IN

SEEDS = list(make_seeds().values())
# What cannot be read, and why; all other files of the corpus are done.
REFUSED = {
    "jpeg_cut_eoi.jpg": "truncated",
    "jpeg_height.jpg": "truncated",
    "jpg_manyscans.jpg": "scans",
    "raw.dng": "camera raw",
    "scans_1000.jpg": "scans",
    "t_u32gray.tif": "32-bit gray",
    "t_webp.tif": "compression 50001",
    "tif_rows0_multi.tif": "damaged",
    "tiff_short.tif": "6 of its 2246 strips",
    "x_heic.heic": "HEIC",
}


@pytest.mark.parametrize("format_name", BUILT_IN)
@pytest.mark.parametrize("path", sorted(CORPUS.glob("*/*")), ids=lambda path: path.name)
def test_corpus(path: Path, format_name: str, tmp_path: Path) -> None:
    line = WholePath(tmp_path).run(path.read_bytes(), format_name, path.name)
    reason = REFUSED.get(path.name)
    if path.suffix == ".heic" and line is None:
        return  # its package is installed
    assert (line is None) == (reason is None), line
    assert reason is None or reason in str(line)


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of damage
@settings(deadline=None)
@given(data=st.binary(max_size=200), number=st.integers(0, 10_000))
def test_parsers_refuse_as_they_promise(data: bytes, number: int) -> None:
    broken, _ = case(SEEDS, 9, number)
    check(broken)
    check(broken[: 8 + number % 40] + data)


def test_hundreds_of_cases(repo_root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", "--cases", "300", "--seed", "5"],
        cwd=repo_root,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert done.stderr == ""
    assert ", 0 failures" in done.stdout


def test_a_case_is_made_again_by_its_number() -> None:
    assert case(SEEDS, 3, 17) == case(list(make_seeds().values()), 3, 17)
    assert case(SEEDS, 3, 17) != case(SEEDS, 4, 17)


def test_what_is_no_error_about_an_image_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(whole_path, "enlarge_job", fail)
    with pytest.raises(ZeroDivisionError):
        WholePath(tmp_path).run(SEEDS[0], "PNG")
