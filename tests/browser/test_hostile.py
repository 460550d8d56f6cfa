"""Files that are not what they say: each gets a message, and the app lives on."""

from __future__ import annotations

from tests.browser.photos import Photos
from tests.browser.zoom_page import ZoomPage


def test_a_message_each_and_the_app_lives(zoom: ZoomPage, photos: Photos) -> None:
    for name, path in photos.hostile.items():
        zoom.choose(path)
        toast = zoom["#toast[data-kind=error]"]
        toast.wait_for()
        assert len(toast.inner_text().strip()) > 10, name
        zoom.wait("empty")
        assert zoom.page.evaluate("window.hacked") is None
        zoom["#toast-close"].click()
        zoom.open(photos.small)["#home"].click()
        zoom.wait("empty")


def test_a_photo_that_is_open_stays_open(zoom: ZoomPage, photos: Photos) -> None:
    zoom.open(photos.small)
    zoom.choose(photos.hostile["text.png"])
    zoom["#toast[data-kind=error]"].wait_for()
    assert zoom.view["photo"]["name"] == "small.png"
    zoom.press("4").wait("sharp")
