"""Makes the images of ZoomSR in docs/images: the app itself, in the machine's Chromium.

python -m tools.figures.screenshots
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image
from playwright.sync_api import Browser

from splitsr.zoomsr.site import build_site
from tests.browser.chromium import DESKTOP, PHONE, find_chromium, started
from tests.browser.server import Server
from tests.browser.zoom_page import ZoomPage

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
COLOURS = 256  # with dithering, enough for a page, at a third of the bytes


class Shot(NamedTuple):
    """One image.

    Attributes:
        name: of its file, `zoomsr-<name>.png`.
        screen: Playwright's options for the profile.
        reach: brings the app to the state that is shown.
    """

    name: str
    screen: dict[str, Any]
    reach: Callable[[ZoomPage], None]


def compared(zoom: ZoomPage) -> None:
    """A sharp view behind the slider."""
    zoom.open(EXAMPLES / "chelsea.png").press("4").wait("sharp")
    zoom["#compare-toggle"].click()


def start_page(zoom: ZoomPage) -> None:
    """What is seen first."""
    zoom.page.wait_for_selector("#demo[data-sharp]")


def settings(zoom: ZoomPage) -> None:
    """Models, and what computes."""
    zoom.open(EXAMPLES / "astronaut.png").press("4").wait("sharp")
    zoom["#settings-open"].click()
    zoom["#settings-dialog"].wait_for()


def saved(zoom: ZoomPage) -> None:
    """The whole photo, enlarged."""
    zoom.open(EXAMPLES / "astronaut.png").start_upscaling("jpeg").wait("done")


def study(zoom: ZoomPage) -> None:
    """A pair of the study."""
    zoom["#study-open"].click()
    zoom["#study-participant"].fill("7")
    zoom["#study-begin"].click()
    zoom["#study-left"].wait_for()
    zoom["[name=preference]:enabled"].first.wait_for()  # both images are there


SHOTS = (
    Shot("desktop", DESKTOP, compared),
    Shot("desktop-start", {**DESKTOP, "color_scheme": "light"}, start_page),
    Shot("desktop-settings", {**DESKTOP, "color_scheme": "dark"}, settings),
    Shot("phone", PHONE, compared),
    Shot("phone-start", {**PHONE, "color_scheme": "dark"}, start_page),
    Shot("phone-save", {**PHONE, "color_scheme": "dark"}, saved),
    Shot("phone-study", PHONE, study),
)


def main() -> None:
    """Reads the arguments and writes the images."""
    parser = argparse.ArgumentParser(description="Make the images of ZoomSR.")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "images", help="folder")
    arguments = parser.parse_args()
    program = find_chromium()
    if program is None:
        parser.error("there is no Chromium on the path")
    arguments.output.mkdir(parents=True, exist_ok=True)
    with Server(build_site()) as server, started(program) as browser:
        for shot in SHOTS:
            picture = take(browser, server.url, shot)
            picture.save(arguments.output / f"zoomsr-{shot.name}.png", optimize=True)


def take(browser: Browser, url: str, shot: Shot) -> Image.Image:
    """Visits the app in a profile of its own, and takes its image."""
    context = browser.new_context(reduced_motion="reduce", locale="en-US", **shot.screen)
    zoom = ZoomPage(context.new_page(), url).visit().settle()
    shot.reach(zoom)
    zoom.page.mouse.move(0, 0)
    zoom.page.wait_for_selector("#toast", state="hidden")
    content = zoom.page.screenshot()
    context.close()
    with Image.open(BytesIO(content)) as image:
        return reduce_colours(image.convert("RGB"))


def reduce_colours(picture: Image.Image) -> Image.Image:
    """The image with a palette of its own. Dithering needs the palette to be there before."""
    best = Image.Quantize.MAXCOVERAGE  # keeps small patches of a colour, such as eyes
    palette = picture.quantize(COLOURS, method=best, kmeans=3)
    return picture.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)


if __name__ == "__main__":
    main()
