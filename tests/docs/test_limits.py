"""The script that makes the cards' pictures of failures."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from splitsr.zoo.catalogue import is_twin
from tests.docs.markdown import ROOT
from tests.patience import PATIENCE_S

SIDE, ZOOM, GAP, LABEL = 96, 3, 6, 30


def test_every_scale_has_its_picture_with_what_was_there_first(tmp_path: Path) -> None:
    script = ROOT / "tools/figures/limits.py"
    subprocess.run(
        [sys.executable, script, "--output", tmp_path],
        check=True,
        timeout=PATIENCE_S,
    )

    step = SIDE * ZOOM + GAP
    for scale in (2, 3, 4):
        with Image.open(tmp_path / f"limits-x{scale}.png") as image:
            picture = np.asarray(image)
        assert picture.shape == (LABEL + 3 * step - GAP, 3 * step - GAP, 3)
        rows = [picture[LABEL + i * step :][: SIDE * ZOOM] for i in range(3)]
        for row in rows:
            truth, bicubic, sr = (
                row[::ZOOM, i * step : i * step + SIDE * ZOOM : ZOOM].astype(int) for i in range(3)
            )
            assert np.abs(bicubic - truth).mean() > 2  # detail was lost
            assert np.abs(sr - bicubic).mean() > 1  # and the network made other pixels of it


def test_the_cards_show_the_picture_of_their_scale() -> None:
    for card in (ROOT / "docs" / "models").glob("splitsr-*-x[234].md"):
        if is_twin(card.stem):
            continue
        shown = f"../images/limits-x{card.stem[-1]}.png"
        assert shown in card.read_text()
        assert (card.parent / shown).is_file()
