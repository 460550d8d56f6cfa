"""Back closes what was opened last, and leaves the app only from its start page."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.photos import Photos
from tests.browser.zoom_page import ZoomPage


def depth(zoom: ZoomPage) -> int:
    return int(zoom.page.evaluate("history.state.depth"))


def test_back_closes_sheet_study_and_photo_one_after_another(
    zoom: ZoomPage, photos: Photos
) -> None:
    zoom.open(photos.small)
    zoom["#settings-open"].click()
    zoom.page.go_back()
    zoom["#settings-dialog"].wait_for(state="hidden")
    zoom["#upscale-all"].click()
    zoom.page.go_back()
    zoom["#save-dialog"].wait_for(state="hidden")
    assert zoom.view["photo"]["name"] == "small.png"
    zoom.page.go_back()
    zoom.wait("empty")
    zoom["#study-open"].click()
    zoom["#study-begin"].wait_for()
    zoom.page.go_back()
    zoom["#open-file"].wait_for()


def test_what_is_closed_otherwise_leaves_no_entry(zoom: ZoomPage, photos: Photos) -> None:
    assert depth(zoom) == 0
    for _ in range(2):
        zoom["#settings-open"].click()
        zoom["#settings-close"].click()
    zoom["#settings-dialog"].wait_for(state="hidden")
    zoom.page.wait_for_function("() => history.state.depth === 0")
    zoom["#study-open"].click()
    zoom["#study-leave"].click()
    zoom["#open-file"].wait_for()
    zoom.open(photos.small)
    zoom.open(photos.turned)  # takes the place of the one before
    zoom.page.wait_for_function("() => history.state.depth === 1")
    zoom["#home"].click()
    zoom["#open-file"].wait_for()
    zoom.page.wait_for_function("() => history.state.depth === 0")


def test_forward_and_reload_are_harmless(zoom: ZoomPage, photos: Photos) -> None:
    zoom.open(photos.small)
    zoom.page.go_back()
    zoom.wait("empty")
    zoom.page.go_forward()
    zoom.page.wait_for_function("() => history.state.depth === 0")
    expect(zoom["#open-file"]).to_be_visible()
    zoom["#study-open"].click()
    zoom.page.go_back()
    zoom["#open-file"].wait_for()
    zoom.page.go_forward()
    zoom["#study-begin"].wait_for()
    zoom.page.reload()
    zoom.wait_ready()["#study-begin"].wait_for()
    zoom["#study-leave"].click()
    zoom["#open-file"].wait_for()


def test_back_asks_before_a_job_is_lost(zoom: ZoomPage, photos: Photos) -> None:
    zoom.open(photos.lasting).start_upscaling()
    zoom["#save-close"].click()
    zoom["#save-dialog"].wait_for(state="hidden")
    zoom.page.wait_for_function("() => history.state.depth === 1")
    for answer, state in (("#confirm-close", "upscaling"), ("#confirm-yes", "empty")):
        zoom.page.go_back()
        zoom[answer].click()
        zoom["#confirm-dialog"].wait_for(state="hidden")
        zoom.wait(state)
    zoom.page.wait_for_function("() => history.state.depth === 0")


@pytest.mark.parametrize("name", ["splitsr-balanced-x2", "no-such-model"])
def test_a_link_names_a_model(open_tab: Callable[..., ZoomPage], name: str) -> None:
    zoom = open_tab().visit(f"?model={name}")
    if name == "no-such-model":
        assert zoom.ask("model") == "splitsr-fast-x4"
        expect(zoom["#toast"]).to_contain_text(name)
        return
    assert zoom.ask("model") == name
    zoom["#settings-open"].click()
    zoom["#settings-close"].click()
    expect(zoom.page).to_have_url(re.compile(rf"\?model={name}$"))


def test_a_link_opens_the_study(open_tab: Callable[..., ZoomPage], photos: Photos) -> None:
    zoom = open_tab().visit("#study")
    expect(zoom["#study-begin"]).to_be_visible()
    zoom["#settings-open"].click()
    expect(zoom["#study-begin"]).to_be_visible()
    zoom["#settings-close"].click()
    zoom.open(photos.small)
    expect(zoom["#stage"]).to_be_visible()
    expect(zoom.page).not_to_have_url(re.compile("#study"))
