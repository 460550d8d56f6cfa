"""What files carry besides pixels, through real processes."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from splitsr.imaging.files import read_photo, suffix_for
from tests.imaging.carried import BUILT_IN
from tests.patience import PATIENCE_S

MAIN = [sys.executable, "-c", "from splitsr.cli.main import main; main()"]
LOOP = b"II*\0\x08\0\0\0\x01\0i\x87\x04\0\x01\0\0\0\x08\0\0\0\0\0\0\0"


@pytest.fixture
def corpus(repo_root: Path, tmp_path: Path) -> Path:
    """The corpus, and EXIF whose directory is its own Exif directory."""
    folder = tmp_path / "in"
    folder.mkdir()
    for path in (repo_root / "tests" / "corpus" / "metadata").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    for suffix in ("jpg", "png", "webp", "avif"):
        Image.new("RGB", (9, 9)).save(folder / f"{suffix}_loop.{suffix}", exif=LOOP)
    (folder / "tif_loop.tif").write_bytes(_tiff_loop())
    return folder


def _tiff_loop() -> bytes:
    """A TIFF whose EXIF is where its only directory is."""
    stream = io.BytesIO()
    Image.new("RGB", (9, 9)).save(stream, "TIFF", tiffinfo={0x8769: 8})
    return stream.getvalue()


@pytest.mark.parametrize("format_name", BUILT_IN)
def test_every_file_is_done_and_losses_are_told(
    format_name: str, corpus: Path, tmp_path: Path, tiny_model: Path
) -> None:
    words = ["upscale", corpus, "-o", tmp_path / "out", "--model", tiny_model, "--threads", 1]
    words += ["--scale", 2, "--format", format_name.lower(), "--json"]
    call = [*MAIN, *(str(word) for word in words)]
    process = subprocess.run(call, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    results = {Path(each["input"]).name: each for each in json.loads(process.stdout)["results"]}
    assert {each["status"] for each in results.values()} == {"done"}, process.stderr
    assert process.returncode == 0
    assert len(results) == len(list(corpus.iterdir()))
    told = {name: each["notes"] for name, each in results.items() if each["notes"]}
    assert told == {
        "ultrahdr.jpg": ["the gain map was lost"],
        "motion.jpg": ["the video was lost"],
    }
    *lines, summary = process.stderr.splitlines()
    assert f"wrote {len(results)} of {len(results)} images" in summary
    assert sorted(lines) == sorted(
        f"splitsr: {corpus / name}: {notes[0]}" for name, notes in told.items()
    )
    p3 = read_photo(Path(results["a_p3.avif"]["output"]))
    assert Path(results["a_p3.avif"]["output"]).suffix == suffix_for(format_name)
    assert p3.metadata.icc_profile
