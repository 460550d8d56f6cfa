"""The script that makes the picture of the degradations."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from tests.docs.markdown import ROOT

SIDE, ZOOM, GAP, LABEL, PANELS = 88, 3, 6, 30, 4


def test_every_panel_differs_from_the_clean_one(tmp_path: Path) -> None:
    script, output = ROOT / "tools/figures/degradations.py", tmp_path / "new" / "page.png"
    subprocess.run([sys.executable, script, "--output", output], check=True, timeout=120)
    with Image.open(output) as image:
        page = np.asarray(image)
    height, width = SIDE * ZOOM + LABEL, SIDE * ZOOM + GAP
    assert page.shape == (PANELS * height, PANELS * width - GAP, 3)
    panels = [
        page[row * height + LABEL :, column * width :][: SIDE * ZOOM : ZOOM, : SIDE * ZOOM : ZOOM]
        for row in range(PANELS)
        for column in range(PANELS)
    ]
    clean, *others = (panel.astype(int) for panel in panels)
    assert all(0.3 < np.abs(other - clean).mean() < 20 for other in others)
