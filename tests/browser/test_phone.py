"""Small screens and large letters: everything stays on the screen and apart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.photos import Photos
from tests.browser.zoom_page import ZoomPage

SCREENS = [(320, 568), (390, 844), (768, 1024), (1024, 768), (844, 390)]
# What may be cut is a name, for there is an end to no name.
FAULTS = """() => {
  const all = (selector) => [...document.querySelectorAll(selector)]
    .filter((element) => element.checkVisibility() && !element.closest(".off-screen, .unseen"));
  const box = (element) => element.getBoundingClientRect();
  const textBox = (element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    return range.getBoundingClientRect();
  };
  const leaves = (a, b) => a.left < b.left - 1 || a.right > b.right + 1;
  const meet = (a, b) =>
    a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  const breaks = (node) => [...node.data?.matchAll(/[^\\s-]+/g) ?? []].some((word) => {
    const range = new Range();
    range.setStart(node, word.index);
    range.setEnd(node, word.index + word[0].length);
    return new Set([...range.getClientRects()].map(({top}) => Math.round(top))).size > 1;
  });
  const screen = {left: 0, right: innerWidth};
  const host = document.querySelector("dialog[open]") ? "dialog[open] " : "body ";
  const controls = all("button, a, select, summary");
  const bars = all(".tools button, .tools a, .bar button, .bar a");
  const texts = all(`${host} *`).filter((element) => element.innerText?.trim()
    && !element.matches("#photo-title, .queue-list b, .tool span, select, option")
    && [...element.childNodes].some((node) => node.data?.trim()));
  const faults = {
    outside: controls.filter((element) => leaves(box(element), screen)),
    below: bars.filter((element) => box(element).bottom > innerHeight + 1),
    cut: texts.filter((element) => element.scrollWidth > element.clientWidth + 1
      && getComputedStyle(element).display !== "inline"),
    broken: texts.filter((element) => [...element.childNodes].some(breaks)),
    spilt: texts.filter((element) =>
      leaves(textBox(element), box(element.closest("button, a, label, p, .bar") ?? element))),
    over: [...bars, ...all(".side-label, #photo-size")].filter((element, index, list) =>
      list.some((other, at) => at < index && meet(box(element), box(other)))),
    wide: [document.documentElement].filter((root) => root.scrollWidth > innerWidth),
  };
  return Object.entries(faults).flatMap(([fault, found]) =>
    found.map((element) => `${fault}: ${element.id || element.outerHTML.slice(0, 80)}`));
}"""
APART = """([first, second]) => {
  const [a, b] = [first, second].map((s) => document.querySelector(s).getBoundingClientRect());
  return a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
}"""


@pytest.mark.parametrize("language", ["en", "ko"])
def test_nothing_is_cut_on_any_screen_whatever_the_letters(
    open_tab: Callable[..., ZoomPage], photos: Photos, tmp_path: Path, language: str
) -> None:
    """A long name least of all hides how large the photo is."""
    photo = tmp_path / "IMG_20261128_a_holiday_of_which_much_is_said.png"
    photo.write_bytes(photos.small.read_bytes())
    zoom = open_tab(size=SCREENS[0], language=language).visit()

    def check(state: str) -> None:
        for letters in ("100%", "200%"):
            zoom.page.evaluate(f"document.documentElement.style.fontSize = '{letters}'")
            for width, height in SCREENS:
                zoom.page.set_viewport_size({"width": width, "height": height})
                assert zoom.page.evaluate(FAULTS) == [], (state, letters, width)

    zoom.page.wait_for_selector("#demo[data-sharp]")
    check("start")
    zoom["#study-open"].click()
    zoom["#study-participant"].fill("one")
    check("study")
    zoom["#study-begin"].click()
    zoom["[name=preference]:enabled"].first.wait_for()
    check("trial")
    zoom["#study-leave"].click()
    zoom.open_advanced()
    check("settings")
    zoom["#settings-close"].click()
    zoom.open(photo).start_upscaling().wait("done")
    check("saved")
    zoom["#save-close"].click()
    zoom["#job-download"].wait_for()
    check("done")
    with zoom.page.expect_download():
        zoom["#job-download"].click()
    zoom["#upscale-all"].wait_for()
    zoom["#file-input"].set_input_files([photo, photos.hostile["text.png"]])
    zoom["#queue-dialog"].wait_for()
    check("queue")
    zoom["#queue-close"].click()
    zoom["#queue-dialog"].wait_for(state="hidden")
    zoom["#compare-toggle"].click()
    check("comparing")


def test_a_phone_on_its_side_leaves_the_screen_to_the_photo(
    open_tab: Callable[..., ZoomPage], photos: Photos
) -> None:
    zoom = open_tab(size=(844, 390)).visit().open(photos.small)
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
