"""The pictures of ZoomSR are those that the script makes, and small."""

from __future__ import annotations

import pytest
from PIL import Image

from tests.docs.markdown import ROOT
from tools.figures.screenshots import SHOTS, Shot

MOST_BYTES = 400_000


@pytest.mark.parametrize("shot", SHOTS, ids=lambda shot: shot.name)
def test_each_is_there(shot: Shot) -> None:
    path = ROOT / "docs" / "images" / f"zoomsr-{shot.name}.png"
    assert path.stat().st_size < MOST_BYTES
    ratio = shot.screen.get("device_scale_factor", 1)
    viewport = shot.screen["viewport"]
    with Image.open(path) as image:
        assert image.size == (viewport["width"] * ratio, viewport["height"] * ratio)


def test_there_are_no_others() -> None:
    found = {path.name for path in (ROOT / "docs" / "images").glob("zoomsr-*")}
    assert found == {f"zoomsr-{shot.name}.png" for shot in SHOTS}
