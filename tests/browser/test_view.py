"""The view: sharpened where it rests, compared, moved by mouse, keys and fingers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from splitsr import Upscaler
from tests.browser.photos import Photos
from tests.browser.touch import pinch
from tests.browser.zoom_page import ZoomPage


def visible(zoom: ZoomPage, picture: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """The part of an enlarged picture that the stage shows, one of its pixels for each device's."""
    view, (height, width) = zoom.view, shown.shape[:2]
    scale = view["zoom"]
    left, top = (
        round(view[axis] * scale - size / 2) for axis, size in (("x", width), ("y", height))
    )
    assert left >= 0
    assert top >= 0
    return picture[top : top + height, left : left + width]


def test_the_view_that_rests_is_what_the_runtime_makes(zoom: ZoomPage, photos: Photos) -> None:
    zoom.page.set_viewport_size({"width": 640, "height": 480})
    zoom.open(photos.cat).press("4").wait("sharp")
    assert zoom.view["zoom"] == pytest.approx(4)
    shown = zoom.screenshot()
    expected = visible(zoom, Upscaler("splitsr-fast-x4")(np.asarray(Image.open(photos.cat))), shown)
    # Controls lie over the edges; the middle is the picture's own.
    middle = np.s_[
        shown.shape[0] // 3 : -shown.shape[0] // 3, shown.shape[1] // 4 : -shown.shape[1] // 4
    ]
    assert np.abs(shown[middle].astype(int) - expected[middle]).max() <= 1


def test_bilinear_comes_first_and_splitsr_over_it(zoom: ZoomPage, photos: Photos) -> None:
    zoom.open(photos.cat).press("4").wait("sharp")
    sharp = zoom.screenshot()
    zoom["#hold-compare"].hover()
    zoom.page.mouse.down()
    bilinear = zoom.screenshot()
    zoom.page.mouse.up()
    middle = np.s_[300:500, 400:800]  # without the ring of the focus, which went to the button
    assert np.array_equal(zoom.screenshot()[middle], sharp[middle])
    assert (
        np.abs(np.diff(bilinear[middle].astype(int), axis=1)).mean()
        < np.abs(np.diff(sharp[middle].astype(int), axis=1)).mean()
    )


@pytest.mark.parametrize("against", ["bilinear", "bicubic"])
def test_the_slider_parts_the_two_pictures(zoom: ZoomPage, photos: Photos, against: str) -> None:
    zoom.open(photos.cat).press("4").wait("sharp")
    sharp = zoom.screenshot()
    zoom.open_advanced()
    zoom["#compare-against"].select_option(against)
    zoom["#settings-close"].click()
    zoom["#compare-toggle"].click()
    slider = zoom["#compare-slider"]
    expect(slider).to_have_attribute("role", "slider")
    slider.press("Home")
    expect(slider).to_have_attribute("aria-valuenow", "0")
    box = slider.bounding_box()
    assert box is not None
    zoom.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    zoom.page.mouse.down()
    zoom.page.mouse.move(640, box["y"] + box["height"] / 2, steps=5)
    zoom.page.mouse.up()
    assert float(slider.get_attribute("aria-valuenow") or 0) == pytest.approx(50, abs=3)
    both = zoom.screenshot()
    rows = slice(300, 500)
    changed = np.abs(both[rows].astype(int) - sharp[rows]).mean(axis=(0, 2))
    assert changed[300:560].mean() > 1  # left of the slider stands the other picture
    assert changed[720:1000].mean() < 0.1


def test_moving_on_cancels_and_rests_again(zoom: ZoomPage, photos: Photos) -> None:
    zoom.page.set_viewport_size({"width": 640, "height": 480})
    zoom.open(photos.lasting).press("3")
    zoom.wait("sharpening", "sharp")
    for _ in range(5):
        zoom.press("ArrowRight")
    x = zoom.view["x"]
    zoom.wait("sharp")
    assert zoom.view["x"] == x
    for _ in range(5):
        zoom.press("ArrowLeft")
    zoom.wait("sharp")
    assert 0 < zoom.ask("cache()")["bytes"] <= zoom.ask("cache()")["limit"]


def test_keys_wheel_and_double_click_zoom(zoom: ZoomPage, photos: Photos) -> None:
    zoom.open(photos.cat)
    fit = zoom.view["zoom"]
    zoom.press("+")
    assert zoom.view["zoom"] > fit
    zoom.press("-")
    assert zoom.view["zoom"] == pytest.approx(fit, rel=0.01)
    zoom["#stage"].hover()
    zoom.page.mouse.wheel(0, -400)
    zoom.page.wait_for_function("(fit) => window.zoomsr.view().zoom > fit", arg=fit)
    zoom.press("0")
    assert zoom.view["zoom"] == pytest.approx(fit, rel=0.01)
    zoom["#stage"].dblclick()
    assert zoom.view["zoom"] > fit


def test_the_point_under_the_wheel_stays(zoom: ZoomPage, photos: Photos) -> None:
    zoom.open(photos.lasting).press("2")
    before = zoom.view
    zoom.page.mouse.move(640, 400)
    zoom.page.mouse.wheel(0, -300)
    zoom.page.wait_for_function("(z) => window.zoomsr.view().zoom > z", arg=before["zoom"])
    after = zoom.view
    assert after["x"] == pytest.approx(before["x"], abs=20)
    assert after["y"] == pytest.approx(before["y"], abs=20)


def test_fingers_on_a_phone(open_tab: Callable[..., ZoomPage], photos: Photos) -> None:
    zoom = open_tab(size=(390, 844)).visit().open(photos.lasting)
    before = zoom.view["zoom"]
    pinch(zoom.page, centre=(195, 400), start=40, end=160)
    zoom.wait("view", "sharpening", "sharp")
    assert zoom.view["zoom"] == pytest.approx(4 * before, rel=0.25)
    assert zoom.page.evaluate("window.visualViewport.scale") == 1  # the page itself stays


def test_nothing_is_wider_than_a_narrow_phone(
    open_tab: Callable[..., ZoomPage], photos: Photos
) -> None:
    zoom = open_tab(size=(360, 640)).visit()
    wide = "document.documentElement.scrollWidth"
    assert zoom.page.evaluate(wide) == 360
    zoom.open(photos.cat)
    assert zoom.page.evaluate(wide) == 360


def test_a_photo_can_be_pasted_and_dropped(zoom: ZoomPage) -> None:
    give = """async ([kind, target]) => {
      const blob = await (await fetch("models/study/coffee.png")).blob();
      const data = new DataTransfer();
      data.items.add(new File([blob], `${kind}.png`, {type: "image/png"}));
      const event = kind === "paste"
        ? new ClipboardEvent(kind, {clipboardData: data, bubbles: true})
        : new DragEvent(kind, {dataTransfer: data, bubbles: true, cancelable: true});
      document.querySelector(target).dispatchEvent(event);
    }"""
    for kind in ("paste", "drop"):
        zoom.page.evaluate(give, [kind, "body"])
        zoom.wait_photo(f"{kind}.png")


def test_full_screen_leaves_the_bar_out_and_shows_messages(zoom: ZoomPage, photos: Photos) -> None:
    zoom.open(photos.cat)
    is_full = "document.fullscreenElement !== null"
    zoom.press("f").page.wait_for_function(is_full)
    expect(zoom["#full-screen"]).to_have_attribute("aria-pressed", "true")
    expect(zoom["#settings-open"]).to_be_hidden()
    zoom.choose(photos.hostile["text.png"])
    zoom["#toast[data-kind=error]"].wait_for()
    zoom["#toast-close"].click()  # it lies over the photo
    zoom.press("Escape").page.wait_for_function(f"!({is_full})")
    expect(zoom["#settings-open"]).to_be_visible()
    zoom["#full-screen"].click()
    zoom.page.wait_for_function(is_full)
    zoom["#full-screen"].click()
    zoom.page.wait_for_function(f"!({is_full})")
