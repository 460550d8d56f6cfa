"""What a large photo costs; tools/benchmarks/zoom.py measures how long it takes."""

from __future__ import annotations

import time

from tests.browser.photos import Photos
from tests.browser.sharpening import measure_sharpening
from tests.browser.zoom_page import ZoomPage


def test_from_opening_12_megapixels_to_a_sharp_view_at_3x(zoom: ZoomPage, photos: Photos) -> None:
    found = measure_sharpening(zoom, photos.large)
    assert zoom.view["zoom"] == 3
    assert (zoom.view["photo"]["width"], zoom.view["photo"]["height"]) == (4000, 3000)
    assert 0 < found.shown_ms < found.sharp_ms


def test_the_page_stays_alive_while_a_photo_is_enlarged(zoom: ZoomPage, photos: Photos) -> None:
    """The work is the workers': a busy machine stretches theirs and the page's alike."""
    zoom.open(photos.cat)
    zoom.page.evaluate("window.longTasks.length = 0")
    begun = time.perf_counter()
    zoom.start_upscaling().wait("done")
    elapsed_ms = 1000 * (time.perf_counter() - begun)
    assert sum(zoom.page.evaluate("window.longTasks")) < elapsed_ms / 2


def test_memory_stays_bounded_over_12_megapixels(zoom: ZoomPage, photos: Photos) -> None:
    """The sharpened tiles that are kept never take more than is said, wherever one looks."""
    zoom.page.set_viewport_size({"width": 640, "height": 480})
    zoom.open(photos.large).press("4").wait("sharp")
    for key in ["ArrowRight"] * 12 + ["ArrowDown"] * 6:
        zoom.press(key)
        zoom.wait("sharp")
        cache = zoom.ask("cache()")
        assert cache["bytes"] <= cache["limit"] <= 256 * 2**20
