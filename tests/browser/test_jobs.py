"""An enlargement is never lost without a word, wherever one looks meanwhile."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Dialog, expect

from tests.browser.photos import Photos
from tests.browser.zoom_page import ZoomPage

WATCH_LOCKS = """
window.locks = [];
navigator.wakeLock.request = async (kind) => {
  const lock = {kind, held: true, release: async () => { lock.held = false; }};
  window.locks.push(lock);
  return lock;
};
"""
WATCH_NOTIFICATIONS = """
window.told = [];
window.asked = 0;
Notification.requestPermission = async () => { window.asked++; return "denied"; };
Object.defineProperty(Notification, "permission", {get: () => window.allowed ?? "default"});
ServiceWorkerRegistration.prototype.showNotification = async (text) => { window.told.push(text); };
Object.defineProperty(document, "hidden", {get: () => true});
"""


def keep(zoom: ZoomPage) -> None:
    zoom["#confirm-close"].click()
    zoom["#confirm-dialog"].wait_for(state="hidden")


def agree(zoom: ZoomPage) -> None:
    zoom["#confirm-yes"].click()
    zoom["#confirm-dialog"].wait_for(state="hidden")


def start(zoom: ZoomPage, photo: Path) -> None:
    zoom.open(photo)["#upscale-all"].click()
    # By one script: between two clicks a small photo would be done.
    zoom.page.evaluate(
        "() => ['upscale-start', 'save-close'].forEach((id) => document.getElementById(id).click())"
    )
    zoom["#job"].wait_for()


def finish(zoom: ZoomPage, photo: Path) -> None:
    zoom.open(photo).start_upscaling().wait("done")
    zoom["#save-close"].click()


def test_the_toolbar_shows_how_far_it_is_and_can_end_it(zoom: ZoomPage, photos: Photos) -> None:
    start(zoom, photos.lasting)
    zoom.page.wait_for_function(
        "() => /^[1-9]\\d?\\s?%/.test(document.querySelector('#job-text').innerText)"
    )
    expect(zoom.page).to_have_title(re.compile("%"))
    expect(zoom["#upscale-all"]).to_be_hidden()
    zoom["#job-open"].click()
    expect(zoom["#progress"]).to_be_visible()
    zoom["#save-close"].click()
    zoom["#job-cancel"].click()
    zoom["#job"].wait_for(state="hidden")
    expect(zoom["#toast"]).to_contain_text("Cancelled")
    zoom.wait("view", "sharpening", "sharp")
    zoom.start_upscaling().wait("upscaling")
    assert zoom["#toast"].is_hidden()  # it was said of the job before; later it goes by itself


def test_a_result_can_be_downloaded_from_the_toolbar(zoom: ZoomPage, photos: Photos) -> None:
    start(zoom, photos.small)
    zoom.wait("done")
    expect(zoom["#toast"]).to_contain_text("small_x4.png")
    expect(zoom.page).not_to_have_title(re.compile("%"))
    with zoom.page.expect_download() as waiting:
        zoom["#job-download"].click()
    assert waiting.value.suggested_filename == "small_x4.png"
    zoom["#job"].wait_for(state="hidden")
    zoom.open(photos.turned)  # nobody is asked: it is where its owner wants it


def test_another_photo_takes_the_place_of_a_job_only_if_its_owner_agrees(
    zoom: ZoomPage, photos: Photos
) -> None:
    start(zoom, photos.lasting)
    for answer in (keep, agree):
        zoom.choose(photos.small)
        zoom["#confirm-dialog"].wait_for()
        assert zoom.view["photo"]["name"] == "lasting.jpg"
        answer(zoom)
        if answer is keep:
            zoom.wait("upscaling")
    zoom.wait_photo("small.png")
    expect(zoom["#job"]).to_be_hidden()


def test_escape_asks_before_it_ends_a_job(zoom: ZoomPage, photos: Photos) -> None:
    start(zoom, photos.lasting)
    zoom.press("Escape")
    keep(zoom)
    zoom.wait("upscaling")
    zoom.press("Escape")
    agree(zoom)
    zoom.wait("view", "sharpening", "sharp")


def test_a_result_that_waits_is_not_thrown_away(zoom: ZoomPage, photos: Photos) -> None:
    finish(zoom, photos.small)
    zoom.press("Escape")
    expect(zoom["#confirm-dialog"]).to_be_hidden()
    zoom["#home"].click()
    keep(zoom)
    assert zoom.view["photo"]["name"] == "small.png"
    zoom["#job-cancel"].click()
    agree(zoom)
    zoom["#job"].wait_for(state="hidden")
    zoom["#home"].click()
    zoom.wait("empty")


@pytest.mark.parametrize("is_at_risk", [True, False])
def test_the_browser_asks_before_it_reloads(
    zoom: ZoomPage, photos: Photos, is_at_risk: bool
) -> None:
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    finish(zoom, photos.small)
    if not is_at_risk:
        with zoom.page.expect_download():
            zoom["#job-download"].click()
    zoom.page.on("dialog", answer)
    zoom.reload()
    zoom.page.remove_listener("dialog", answer)
    assert asked == (["beforeunload"] if is_at_risk else [])


def test_the_screen_stays_on_while_it_runs(
    open_tab: Callable[..., ZoomPage], photos: Photos
) -> None:
    zoom = open_tab().run_first(WATCH_LOCKS)
    zoom.visit().open(photos.lasting).start_upscaling()
    zoom.page.wait_for_function("() => window.locks.some((lock) => lock.held)")
    zoom["#cancel"].click()
    zoom.page.wait_for_function("() => window.locks.every((lock) => !lock.held)")


@pytest.mark.parametrize("permission", ["granted", "default"])
def test_it_notifies_those_who_allowed_it_and_asks_nobody(
    new_zoom: Callable[..., ZoomPage], photos: Photos, permission: str
) -> None:
    zoom = new_zoom()
    zoom.page.add_init_script(WATCH_NOTIFICATIONS + f"window.allowed = '{permission}';")
    zoom.visit().settle().open(photos.small).start_upscaling().wait("done")
    if permission == "granted":
        zoom.page.wait_for_function("() => window.told.some((text) => text.includes('small'))")
    assert zoom.page.evaluate("[window.told.length, window.asked]") == [
        int(permission == "granted"),
        0,
    ]
