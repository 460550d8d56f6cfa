"""axe-core finds no serious fault in any of the main states, in both themes and languages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import leave_out
from tests.browser.photos import Photos
from tests.browser.zoom_page import ZoomPage

GRAVE = {"serious", "critical"}
WATCH_SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.shifts.push(entry.value);
}).observe({type: "layout-shift", buffered: true});
"""
RUN = "axe.run(document, {resultTypes: ['violations']})"


@pytest.fixture(scope="module")
def axe(repo_root: Path) -> str:
    script = repo_root / "web" / "node_modules" / "axe-core" / "axe.min.js"
    if not script.is_file():
        leave_out("no axe-core: run `npm ci` in web/")
    return script.read_text()


def faults(zoom: ZoomPage, axe: str) -> list[str]:
    zoom.page.evaluate(axe)
    found: dict[str, Any] = zoom.page.evaluate(RUN)
    return [
        f"{fault['id']}: {node['target']}"
        for fault in found["violations"]
        if fault["impact"] in GRAVE
        for node in fault["nodes"]
    ]


def start_page(_zoom: ZoomPage, _photos: Photos) -> None: ...


def sharp_view(zoom: ZoomPage, photos: Photos) -> None:
    zoom.open(photos.small).press("4").wait("sharp")
    zoom["#compare-toggle"].click()


def settings(zoom: ZoomPage, photos: Photos) -> None:
    zoom.open(photos.small)
    zoom["#settings-open"].click()
    zoom["#settings-dialog"].wait_for()


def saved(zoom: ZoomPage, photos: Photos) -> None:
    zoom.open(photos.small).start_upscaling().wait("done")


def queue(zoom: ZoomPage, photos: Photos) -> None:
    """One photo is done, one failed, and one waits."""
    zoom["#file-input"].set_input_files([photos.small, photos.hostile["text.png"], photos.lasting])
    zoom["#queue-start"].click()
    zoom["#queue-list li[data-state=running]:nth-child(3)"].wait_for()
    zoom["#queue-stop"].click()
    zoom["#queue-start"].wait_for()


def refused(zoom: ZoomPage, photos: Photos) -> None:
    zoom.choose(photos.hostile["text.png"])
    zoom["#toast[data-kind=error]"].wait_for()


def study(zoom: ZoomPage, _photos: Photos) -> None:
    zoom["#study-open"].click()
    zoom["#study-begin"].wait_for()


@pytest.mark.parametrize("reach", [start_page, sharp_view, settings, saved, queue, refused, study])
def test_no_serious_fault(
    zoom: ZoomPage, photos: Photos, axe: str, reach: Callable[[ZoomPage, Photos], None]
) -> None:
    reach(zoom, photos)
    themes: list[Literal["light", "dark"]] = ["light", "dark"]
    for theme in themes:
        zoom.page.emulate_media(color_scheme=theme)
        assert faults(zoom, axe) == [], theme


def test_nothing_jumps_while_it_starts_and_opens(
    new_zoom: Callable[..., ZoomPage], photos: Photos
) -> None:
    """Cumulative layout shift, of which 0.1 is called good."""
    zoom = new_zoom()
    zoom.page.add_init_script(WATCH_SHIFTS)
    zoom.visit().settle().open(photos.small).press("4").wait("sharp")
    assert zoom.page.evaluate("window.shifts.reduce((sum, shift) => sum + shift, 0)") < 0.02


def test_korean(new_zoom: Callable[..., ZoomPage], axe: str) -> None:
    zoom = new_zoom(locale="ko-KR").visit()
    expect(zoom["html"]).to_have_attribute("lang", "ko")
    assert any("가" <= letter <= "힣" for letter in zoom["body"].inner_text())
    assert faults(zoom, axe) == []


def test_language_and_theme_can_be_chosen_and_stay(zoom: ZoomPage) -> None:
    dark = "getComputedStyle(document.body).colorScheme + getComputedStyle(document.body).color"
    before = zoom.page.evaluate(dark)
    zoom["#settings-open"].click()
    zoom["#language-picker"].select_option("ko")
    zoom["#theme-picker"].select_option("dark")
    for _ in range(2):
        expect(zoom["html"]).to_have_attribute("lang", "ko")
        assert zoom.page.evaluate(dark) != before
        zoom.page.reload()
        zoom.wait_ready()


@pytest.mark.parametrize("width", [360, 1280])
def test_targets_are_large_enough_for_a_finger(zoom: ZoomPage, photos: Photos, width: int) -> None:
    zoom.page.set_viewport_size({"width": width, "height": 700})
    for reach in (start_page, sharp_view):
        reach(zoom, photos)
        for button in zoom["button:visible"].all():
            box = button.bounding_box()
            assert box is not None
            assert min(box["width"], box["height"]) >= 44, button.evaluate("b => b.outerHTML")
