"""The table of what ZoomSR takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from splitsr.errors import DataError
from tools.zoom_tables import zoom_blocks

FOUND = {
    "machine": {"cpu": "A CPU", "cores": 2, "system": "Linux", "runtime": "ONNX Runtime 1"},
    "threads": 2,
    "browser": "Chromium 1",
    "photo": {"width": 4000, "height": 3000, "bytes": 5},
    "zoom": 3,
    "bound_ms": 1500,
    "cases": [
        {"screen": screen, "model": "m", "threads": 2, "rounds": 7, "sharp_ms": sharp_ms}
        for screen, sharp_ms in (("desktop", 868), ("phone", 1905))
    ],
    "upscaling": {
        "model": "m",
        "width": 1732,
        "height": 1155,
        "rounds": 7,
        "app_ms": 3397,
        "command_ms": 2253,
        "ratio": 1.51,
    },
}


def test_seconds_of_views_and_of_a_whole_photo(tmp_path: Path) -> None:
    path = tmp_path / "zoom.json"
    path.write_text(json.dumps(FOUND))
    text = zoom_blocks(path)["speed"]
    assert "| 12 megapixels, zoomed to 3x, until all of the view is sharp: phone | 1.91 s |" in text
    assert "| 2 megapixels, the whole of them, to a PNG | 3.40 s |" in text
    assert "Medians of 7 rounds, 2 threads. A CPU, 2 cores, Chromium 1." in text


def test_another_file(tmp_path: Path) -> None:
    path = tmp_path / "zoom.json"
    path.write_text("{}")
    with pytest.raises(DataError, match=r"zoom\.json"):
        zoom_blocks(path)
