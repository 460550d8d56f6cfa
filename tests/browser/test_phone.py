"""Small screens and large letters: everything stays on the screen and apart."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.browser.photos import Photos
from tests.browser.zoom_page import ZoomPage

LARGE_LETTERS = "document.documentElement.style.fontSize = '200%'"
OUTSIDE = """() => [...document.querySelectorAll("button, a, select, summary")]
  .filter((element) => element.checkVisibility() && !element.closest(".off-screen"))
  .filter((element) => {
    const {left, right} = element.getBoundingClientRect();
    return left < 0 || right > innerWidth;
  }).map((element) => element.id || element.outerHTML)"""
BELOW = """() => [...document.querySelectorAll(".tools button, .tools a, .bar button")]
  .filter((element) => element.checkVisibility())
  .filter((element) => element.getBoundingClientRect().bottom > innerHeight)
  .map((element) => element.id)"""
APART = """([first, second]) => {
  const [a, b] = [first, second].map((s) => document.querySelector(s).getBoundingClientRect());
  return a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
}"""


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize(("width", "height"), [(320, 568), (390, 844), (844, 390)])
def test_letters_twice_as_large_push_nothing_off_the_screen(
    open_tab: Callable[..., ZoomPage], photos: Photos, width: int, height: int, language: str
) -> None:
    zoom = open_tab(size=(width, height), language=language).visit()
    zoom.page.evaluate(LARGE_LETTERS)

    def check() -> None:
        assert zoom.page.evaluate(OUTSIDE) == []
        assert zoom.page.evaluate(BELOW) == []
        assert zoom.page.evaluate("document.documentElement.scrollWidth") == width

    check()
    zoom["#settings-open"].click()
    zoom["#advanced"].evaluate("details => { details.open = true; }")
    check()
    zoom["#settings-close"].click()
    zoom.open(photos.cat)
    check()
    zoom.start_upscaling()
    check()
    zoom.wait("done")["#save-close"].click()
    zoom["#job-download"].wait_for()
    check()


def test_a_phone_on_its_side_leaves_the_screen_to_the_photo(
    open_tab: Callable[..., ZoomPage], photos: Photos
) -> None:
    zoom = open_tab(size=(844, 390)).visit().open(photos.cat)
    box = zoom["#stage"].bounding_box()
    assert box is not None
    assert box["height"] >= 390 - 100


@pytest.mark.parametrize(("width", "height"), [(320, 568), (360, 640), (844, 390), (1280, 800)])
def test_a_message_covers_no_button_of_the_start_page(
    open_tab: Callable[..., ZoomPage], photos: Photos, width: int, height: int
) -> None:
    zoom = open_tab(size=(width, height)).visit()
    zoom.choose(photos.hostile["text.png"])
    zoom["#toast[data-kind=error]"].wait_for()
    for button in ("#open-file", "#open-camera"):
        assert zoom.page.evaluate(APART, ["#toast", button]), button
