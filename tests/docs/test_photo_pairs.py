"""The script that makes the pictures of JPEGs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from tests.docs.markdown import ROOT
from tests.patience import PATIENCE_S

PANEL, GAP, LABEL = 4 * 72, 6, 30


def test_each_quality_is_shown_in_three_ways(restoring_model: Path, tmp_path: Path) -> None:
    call = ("-m", "tools.figures.photo_pairs", "--model", restoring_model, "--output", tmp_path)
    subprocess.run([sys.executable, *call], check=True, cwd=ROOT, timeout=PATIENCE_S)

    names = {path.name for path in tmp_path.iterdir()}
    assert names >= {"photo-face.png", "photo-text.png", "photo-sky.png"}
    for path in tmp_path.iterdir():
        with Image.open(path) as image:
            picture = np.asarray(image).astype(int)
        step = PANEL + GAP
        assert picture.shape == (4 * (step + LABEL), 3 * step - GAP, 3)
        rows = [picture[row * (step + LABEL) + LABEL :][:PANEL] for row in range(4)]
        jpegs = [row[::4, :PANEL:4] for row in rows]
        losses = [np.abs(one - jpegs[0]).mean() for one in jpegs]
        assert losses == sorted(losses)  # from quality 95 to 50
        for row, jpeg in zip(rows, jpegs, strict=True):
            bicubic, sr = (row[:, at : at + PANEL] for at in (step, 2 * step))
            for panel in (bicubic, sr):
                means = panel.reshape(72, 4, 72, 4, 3).mean((1, 3))
                assert np.abs(means - jpeg).mean() < 30
            assert np.abs(bicubic - sr).mean() > 0.1
