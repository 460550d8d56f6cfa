"""The table of docs/dispatch.md is that of the committed results, which are of what ships."""

from __future__ import annotations

import importlib.util
import json

import msgspec

from splitsr.dispatch.engine import shipped_calibrations
from splitsr.zoo.catalogue import shipped_catalogue
from tests.docs.markdown import ROOT
from tools.documents import fill_blocks

REPORT = json.loads((ROOT / "results" / "dispatch.json").read_text())


def test_the_table_is_that_of_the_results() -> None:
    place = importlib.util.spec_from_file_location(
        "bench", ROOT / "tools" / "benchmarks" / "dispatch.py"
    )
    assert place
    assert place.loader
    script = importlib.util.module_from_spec(place)
    place.loader.exec_module(script)
    text = (ROOT / "docs" / "dispatch.md").read_text(encoding="utf-8")
    assert text == fill_blocks(text, {"dispatch": script.render(REPORT)}, "docs/dispatch.md")


def test_the_results_are_of_the_calibration_that_ships() -> None:
    shipped = shipped_calibrations()[REPORT["heavy"], REPORT["light"]]
    assert msgspec.to_builtins(shipped) == REPORT["calibration"]


def test_the_results_are_of_the_weights_that_ship_and_within_the_loss() -> None:
    """New weights of either network have other figures: calibrate and measure again then."""
    rows = {
        row["way"]: row for row in REPORT["rows"] if (row["set"], row["threads"]) == ("B100", 1)
    }
    for way in ("heavy", "light"):
        figures = shipped_catalogue()[REPORT[way]].figures["B100"]
        assert rows[way]["psnr_y"] == figures.psnr_y, f"{REPORT[way]} was measured as another file"
    assert rows["shipped"]["loss"] <= 0.05
