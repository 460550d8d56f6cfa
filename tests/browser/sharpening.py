"""From the choice of a file to a sharp view: one measurement, for the test and the benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from tests.browser.zoom_page import ZoomPage

# In the page, so that no message between processes is measured: zooms in as soon as the photo is
# there, as a finger would at best, and notes when the app says that the view is sharp.
_WATCH = """() => {
  const root = document.documentElement;
  const times = (window.sharpening = {});
  document.querySelector("#file-input").addEventListener("change", () => {
    times.begun = performance.now();
  }, {capture: true, once: true});
  const press = () => document.querySelector("#stage").dispatchEvent(
    new KeyboardEvent("keydown", {key: "3", bubbles: true, cancelable: true}));
  const observer = new MutationObserver(() => {
    const state = root.dataset.state;
    if (times.shown === undefined && state === "view") {
      times.shown = performance.now();
      press();
    } else if (state === "sharp" && window.zoomsr.view().zoom === 3) {
      times.sharp = performance.now();
      observer.disconnect();
      root.dataset.measured = "";
    }
  });
  observer.observe(root, {attributes: true, attributeFilter: ["data-state"]});
}"""


class Sharpening(NamedTuple):
    """What was measured, in ms from the choice of the file.

    Attributes:
        shown_ms: the photo is shown, fitted to the window.
        sharp_ms: the view at 3x is SplitSR's throughout.
    """

    shown_ms: float
    sharp_ms: float


def measure_sharpening(zoom: ZoomPage, photo: Path) -> Sharpening:
    """Opens a photo in a page that shows none, and zooms to 3x as soon as it is shown."""
    zoom.page.evaluate(_WATCH)
    zoom.choose(photo)
    zoom.page.wait_for_selector("html[data-measured]", state="attached")
    times = zoom.page.evaluate("window.sharpening")
    return Sharpening(times["shown"] - times["begun"], times["sharp"] - times["begun"])
