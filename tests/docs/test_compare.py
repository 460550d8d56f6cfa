"""The script that makes the README's picture."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from splitsr.evaluation.degrade import Degrade
from tests.docs.markdown import ROOT
from tests.patience import PATIENCE_S
from tools.figures.compare import QUALITY


def test_the_picture_has_three_ways_side_by_side(tiny_model: Path, tmp_path: Path) -> None:
    script, output = ROOT / "tools/figures/compare.py", tmp_path / "new" / "compare.png"

    subprocess.run(
        [sys.executable, script, "--model", tiny_model, "--output", output],
        check=True,
        timeout=PATIENCE_S,
    )

    with Image.open(output) as image:
        picture = np.asarray(image)
    assert picture.shape == (30 + 2 * 4 * 72 + 6, 3 * 4 * 72 + 2 * 6, 3)
    panels = [picture[30 : 30 + 288, left : left + 288] for left in (0, 294, 588)]
    with Image.open(ROOT / "examples" / "chelsea.png") as image:
        crop = Degrade(f"jpeg={QUALITY}")(np.asarray(image), "chelsea.png").color[40:112, 78:150]
    assert (panels[0][::4, ::4] == crop).all()
    # The other two are larger versions of the same crop, and not of each other.
    for panel in panels[1:]:
        means = panel.reshape(72, 4, 72, 4, 3).mean((1, 3))
        assert np.abs(means - crop).mean() < 12
    assert np.abs(panels[1].astype(int) - panels[2]).mean() > 0.1
