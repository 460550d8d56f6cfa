"""A folder of everything that has gone wrong, in one call: the good photos are done."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from splitsr.imaging.files import read_photo

Process = subprocess.CompletedProcess[bytes]

GOOD = ("good_1.jpg", "good_2.png")


@pytest.fixture
def folder(tmp_path: Path, repo_root: Path, photo: np.ndarray) -> Path:
    """Every case of the corpus, a link to itself, a pipe, a folder named x.jpg, two photos."""
    corpus = repo_root / "tests" / "corpus"
    root = tmp_path / "photos"
    root.mkdir()
    for case in sorted(corpus.glob("*/*")):
        shutil.copy(case, root)
    (root / "more").mkdir()
    shutil.copy(corpus / "pixels" / "t_u32gray.tif", root / "more" / "gray.tif")
    (root / "loop.png").symlink_to("loop.png")
    os.mkfifo(root / "pipe.jpg")
    (root / "x.jpg").mkdir()
    for index, name in enumerate(GOOD):
        Image.fromarray(photo[index * 90 :][:80, 100:200]).save(root / name)
    return root


@pytest.mark.parametrize("tree", [(), ("--recursive",)])
def test_the_good_photos_are_done_and_each_failure_has_a_line(
    folder: Path, tmp_path: Path, run_splitsr: Callable[..., Process], tree: tuple[str, ...]
) -> None:
    out = tmp_path / "out"
    words = ("--model", "splitsr-fast", "--json", "-o", f"{out}/", *tree)

    done = run_splitsr("upscale", folder, *words)  # its own limit is two minutes

    assert done.returncode == 1
    results = json.loads(done.stdout)["results"]
    found = {Path(result["input"]).name: result for result in results}
    assert len(found) == len(results)
    lines = Counter(line.partition(b": ")[2] for line in done.stderr.splitlines())
    assert max(lines.values()) == 1
    assert all(line.startswith(b"splitsr: ") for line in done.stderr.splitlines())
    for name, result in found.items():
        said = [line for line in lines if line.startswith(os.fsencode(result["input"]) + b":")]
        if result["status"] == "failed":
            assert len(said) == 1, (name, said)
        else:
            assert result["status"] == "done"
            larger = read_photo(result["output"])
            assert [larger.height, larger.width] == result["size_out"]
    for name in GOOD:
        assert (found[name]["status"], found[name]["size_out"]) == ("done", [320, 400])
    assert found["loop.png"]["status"] == found["pipe.jpg"]["status"] == "failed"
    assert ("gray.tif" in found) == bool(tree)
    assert len(found) > 40
    written = {path.name for path in out.rglob("*.*")}
    assert written == {Path(r["output"]).name for r in results if r["status"] == "done"}
