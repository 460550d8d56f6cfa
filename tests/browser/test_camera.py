"""The camera, with Chromium's fake device: a green picture with a clock and a moving disc."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.zoom_page import ZoomPage


def test_a_shot_is_opened_as_a_photo(zoom: ZoomPage) -> None:
    zoom.page.context.grant_permissions(["camera"])
    zoom["#open-camera"].click()
    zoom["#camera-dialog"].wait_for()
    zoom.page.wait_for_function(
        "() => [...document.querySelectorAll('#camera-dialog video')].some((v) => v.videoWidth > 0)"
    )
    zoom["#camera-shutter"].click()
    zoom.wait("view", "sharpening", "sharp")
    photo = zoom.view["photo"]
    assert photo["width"] >= 320
    expect(zoom["#camera-dialog"]).to_be_hidden()
    green = zoom.screenshot()[200:600, 300:900].reshape(-1, 3).mean(axis=0)
    assert green[1] > green[0] + 20
    assert green[1] > green[2] + 20
    # The device is given back: no light stays on.
    assert zoom.page.evaluate(
        "[...document.querySelectorAll('video')].every((v) => v.srcObject === null)"
    )


def test_the_camera_can_be_left(zoom: ZoomPage) -> None:
    zoom.page.context.grant_permissions(["camera"])
    zoom["#open-camera"].click()
    zoom["#camera-dialog"].wait_for()
    zoom["#camera-close"].click()
    zoom["#camera-dialog"].wait_for(state="hidden")
    zoom.wait("empty")
