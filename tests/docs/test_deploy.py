"""The page on runtimes works: its exports are made, and its Python enlarges a photo."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from splitsr.runtime.upscaler import Upscaler
from tests.docs.markdown import ROOT, read_blocks, run_here
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.usefixtures("quick_exports")

BLOCKS = read_blocks(ROOT / "docs" / "deploy.md")


@pytest.mark.usefixtures("quick_lowering")
@pytest.mark.parametrize("kind", ["onnx", "litert", "ncnn", "executorch"])
def test_the_snippets_of_a_runtime_enlarge_a_photo(kind: str, tmp_path: Path) -> None:
    shell, python = [block for block in BLOCKS if block.mark == f"deploy: {kind}"]
    with Image.open(ROOT / "examples" / "coffee.png") as photo:
        small = photo.convert("RGB").crop((40, 20, 136, 84))
    small.save(tmp_path / "photo.png")

    (call,) = shell.commands
    run_here(call, tmp_path)
    result = subprocess.run(
        [sys.executable, "-c", python.text], cwd=tmp_path, capture_output=True, text=True,
        timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr

    with Image.open(tmp_path / "larger.png") as larger:
        found = np.asarray(larger)
    expected = Upscaler("splitsr-fast-x4")(np.asarray(small))
    assert found.shape == expected.shape
    assert np.abs(found.astype(int) - expected).max() <= 1


def test_kotlin_and_swift_stand_for_each_runtime() -> None:
    languages = [block.language for block in BLOCKS]
    # Core ML is Apple's, and LiteRT's Swift library comes by CocoaPods alone, which is closing.
    assert (languages.count("kotlin"), languages.count("swift")) == (4, 4)
