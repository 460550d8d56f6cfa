"""Files that are not what they say: each gets a message, and the app lives on."""

from __future__ import annotations

import pytest

from tests.browser.photos import Photos
from tests.browser.zoom_page import ZoomPage

HOSTILE = ["text.png", "empty.jpg", "truncated.png", "huge.png", "absurd.png", "script.svg"]


def test_all_are_tried(photos: Photos) -> None:
    assert sorted(photos.hostile) == sorted(HOSTILE)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_message_and_the_app_lives(zoom: ZoomPage, photos: Photos, name: str) -> None:
    zoom.choose(photos.hostile[name])
    toast = zoom["#toast[data-kind=error]"]
    toast.wait_for()
    assert len(toast.inner_text().strip()) > 10
    zoom.wait("empty")
    assert zoom.page.evaluate("window.hacked") is None

    zoom.open(photos.cat)
    assert zoom.view["photo"]["name"] == "chelsea.png"


def test_a_photo_that_is_open_stays_open(zoom: ZoomPage, photos: Photos) -> None:
    zoom.open(photos.cat)
    zoom.choose(photos.hostile["text.png"])
    zoom["#toast[data-kind=error]"].wait_for()
    assert zoom.view["photo"]["name"] == "chelsea.png"
    zoom.press("4").wait("sharp")
