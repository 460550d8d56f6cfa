"""Several photos: one after another, each failing alone, none lost unasked."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from splitsr import Upscaler
from tests.browser.photos import Photos
from tests.browser.zoom_page import ZoomPage

LAUNCH = """
const launchQueue = {setConsumer: (consumer) => { window.launch = consumer; }};
Object.defineProperty(window, "launchQueue", {value: launchQueue});
"""
IS_ON_TOP = """(selector) => {
  const element = document.querySelector(selector);
  const {x, y, width, height} = element.getBoundingClientRect();
  return element.contains(document.elementFromPoint(x + width / 2, y + height / 2));
}"""
IS_ON_SCREEN = """() => [...document.querySelectorAll("#queue-dialog button, #queue-dialog a")]
  .filter((element) => element.checkVisibility())
  .every((element) => element.getBoundingClientRect().right <= innerWidth)"""


def row(number: int) -> str:
    return f"#queue-list li:nth-child({number})"


def state(zoom: ZoomPage, number: int, wanted: str) -> None:
    zoom[f"{row(number)}[data-state={wanted}]"].wait_for()


def put(zoom: ZoomPage, *photos: Path) -> None:
    zoom["#file-input"].set_input_files(photos)
    zoom["#queue-dialog"].wait_for()


def enlarged(path: Path) -> np.ndarray:
    return Upscaler("splitsr-fast-x4")(np.asarray(Image.open(path).convert("RGB")))


def test_all_are_enlarged_and_one_that_fails_fails_alone(
    zoom: ZoomPage, photos: Photos, tmp_path: Path
) -> None:
    """Two of one name, between them what is no picture."""
    other = tmp_path / photos.small.name
    Image.open(photos.small).rotate(180).save(other)
    put(zoom, photos.small, photos.hostile["text.png"], other)
    zoom["#queue-start"].click()
    state(zoom, 3, "done")
    expect(zoom[row(2)]).to_contain_text("not a picture")
    expect(zoom[row(1)]).to_contain_text("384 × 256")
    zoom.wait("empty")  # none of them is opened
    with zoom.page.expect_download() as waiting:
        zoom["#queue-zip"].click()
    with zipfile.ZipFile(waiting.value.path()) as archive:
        assert archive.testzip() is None
        contents = {name: archive.read(name) for name in archive.namelist()}
    assert list(contents) == ["small_x4.png", "small_x4 (2).png"]
    for content, source in zip(contents.values(), (photos.small, other), strict=True):
        found = np.asarray(Image.open(BytesIO(content)).convert("RGB")).astype(int)
        assert np.abs(found - enlarged(source)).max() <= 1
    zoom["#queue-clear"].click()  # nobody is asked: they are where their owner wants them
    zoom["#queue-dialog"].wait_for(state="hidden")
    expect(zoom["#queue-open"]).to_be_hidden()


def test_each_can_be_taken_out_and_all_be_stopped(zoom: ZoomPage, photos: Photos) -> None:
    put(zoom, photos.lasting, photos.lasting, photos.small)
    zoom["#queue-dialog [data-choice=size] input[value='2']"].check(force=True)
    zoom.wait_ready()["#queue-start"].press("Enter")
    state(zoom, 1, "running")
    expect(zoom["#queue-stop"]).to_be_focused()
    expect(zoom["#queue-slot"]).to_be_hidden()  # nothing of it can be changed now
    zoom[f"{row(1)} button"].click()  # the one that runs: the next one's turn comes
    zoom[row(3)].wait_for(state="detached")
    expect(zoom["[aria-label='Remove lasting.jpg']"]).to_be_focused()
    state(zoom, 1, "running")
    zoom["#queue-stop"].press("Enter")
    state(zoom, 1, "waiting")
    zoom["#queue-start"].wait_for()
    expect(zoom["#queue-start"]).to_be_focused()
    zoom[f"{row(1)} button"].click()
    zoom["#queue-start"].click()
    state(zoom, 1, "done")
    with zoom.page.expect_download() as waiting:
        zoom[f"{row(1)} a"].click()
    assert waiting.value.suggested_filename == "small_x2.png"
    content = Path(waiting.value.path()).read_bytes()
    assert Image.open(BytesIO(content)).size == (192, 128)


def test_it_runs_on_while_one_looks_elsewhere_and_asks_before_it_is_lost(
    zoom: ZoomPage, photos: Photos
) -> None:
    put(zoom, photos.small, photos.lasting)
    zoom["#queue-start"].click()
    state(zoom, 1, "done")
    zoom["#queue-close"].click()
    expect(zoom["#queue-open"]).to_have_text("1/2")
    expect(zoom.page).to_have_title(re.compile("%"))
    zoom.open(photos.turned)["#upscale-all"].click()
    expect(zoom["#upscale-start"]).to_be_disabled()
    expect(zoom["#save-time"]).to_contain_text("Other photos")
    zoom["#save-close"].click()
    zoom["#home"].click()  # the photo may go: the queue stays
    zoom.wait("empty")["#queue-open"].click()
    for answer, count in (("#confirm-close", 2), ("#confirm-yes", 0)):
        zoom["#queue-clear"].click()
        zoom[answer].click()
        zoom["#confirm-dialog"].wait_for(state="hidden")
        zoom.page.wait_for_function(
            "(count) => document.querySelectorAll('#queue-list li').length === count", arg=count
        )
    expect(zoom["html"]).to_have_attribute("data-queue", "empty")


@pytest.mark.parametrize("language", ["en", "ko"])
def test_it_fits_a_small_screen(
    open_tab: Callable[..., ZoomPage], photos: Photos, language: str
) -> None:
    zoom = open_tab(size=(320, 568), language=language).visit()
    zoom.page.evaluate("document.documentElement.style.fontSize = '200%'")
    put(zoom, photos.small, photos.hostile["text.png"])
    zoom["#queue-start"].click()
    state(zoom, 1, "done")
    state(zoom, 2, "failed")
    assert zoom.page.evaluate(IS_ON_SCREEN)
    assert zoom["#queue-dialog"].evaluate("sheet => sheet.scrollWidth <= sheet.clientWidth")


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844), (844, 390)])
def test_the_button_is_in_sight_and_covers_nothing_for_good(
    open_tab: Callable[..., ZoomPage], photos: Photos, tmp_path: Path, width: int, height: int
) -> None:
    """A file of three bytes is not one of 0 kB."""
    short = tmp_path / "short.jpg"
    short.write_bytes(b"abc")
    zoom = open_tab(size=(width, height)).visit()
    put(zoom, photos.small, photos.turned, short)
    box = zoom["#queue-start"].bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= height
    assert zoom.page.evaluate(IS_ON_TOP, "#queue-start")
    expect(zoom[row(3)]).to_contain_text("Waiting, 3 bytes")
    zoom["#queue-dialog"].evaluate("sheet => sheet.scrollTo(0, sheet.scrollHeight)")
    for selector in ("#queue-start", "#keep-transparency"):
        assert zoom.page.evaluate(IS_ON_TOP, selector), selector


def test_photos_that_are_dropped_or_opened_with_the_app(
    open_tab: Callable[..., ZoomPage], photos: Photos
) -> None:
    zoom = open_tab().run_first(LAUNCH).visit()
    content = list(photos.small.read_bytes())
    zoom.page.evaluate(
        """(content) => {
          window.files = ["one.png", "two.png"].map(
            (name) => new File([Uint8Array.from(content)], name, {type: "image/png"}));
          const data = new DataTransfer();
          for (const file of window.files) data.items.add(file);
          document.body.dispatchEvent(
            new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true}));
        }""",
        content,
    )
    zoom["#queue-dialog"].wait_for()
    zoom.page.evaluate("launch({files: [{getFile: async () => window.files[0]}]})")
    zoom[row(3)].wait_for()  # the queue is open: one more comes into it
    zoom["#queue-clear"].click()
    zoom["#queue-dialog"].wait_for(state="hidden")
    zoom.page.evaluate("launch({files: [{getFile: async () => window.files[1]}]})")
    zoom.wait_photo("two.png")


def test_photos_that_are_shared_stay_on_the_device(
    new_zoom: Callable[..., ZoomPage], photos: Photos
) -> None:
    """As the system sends them: the service worker takes them, and the page that it opens."""
    zoom = new_zoom().visit().settle()
    zoom.page.wait_for_function("() => navigator.serviceWorker.controller !== null")
    share = """async ([content, sizes]) => {
      const form = new FormData();
      for (const [index, size] of sizes.entries()) {
        const part = Uint8Array.from(content).subarray(0, size);
        form.append("photos", new File([part], `휴가 ${index}.png`, {type: "image/png"}));
      }
      const {target} = window;
      const answer = await fetch(target.action, {method: target.method, body: form});
      return answer.url;
    }"""
    manifest = json.loads(zoom.page.evaluate("fetch('manifest.webmanifest').then((r) => r.text())"))
    zoom.page.evaluate("(target) => { window.target = target; }", manifest["share_target"])
    content = list(photos.small.read_bytes())

    def arrive(*sizes: int) -> None:
        zoom.page.evaluate("(target) => { window.target = target; }", manifest["share_target"])
        zoom.page.goto(zoom.page.evaluate(share, [content, sizes]))
        zoom.wait_ready()
        expect(zoom.page).not_to_have_url(re.compile("shared"))
        zoom.page.wait_for_function("async () => !(await caches.has('zoomsr-shared'))")

    whole = len(content)
    arrive(whole)
    zoom.wait_photo("휴가 0.png")
    arrive(whole, 0, whole)
    zoom["#queue-start"].click()
    state(zoom, 3, "done")
    expect(zoom[row(2)]).to_contain_text("is empty")
    zoom["#queue-clear"].click()
    zoom["#confirm-yes"].click()
    zoom["#queue-dialog"].wait_for(state="hidden")
    for sizes in ((0,), ()):
        arrive(*sizes)
        expect(zoom["#toast[data-kind=error]"]).to_contain_text("is empty")
