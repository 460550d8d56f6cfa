"""Draws the PNG icons of ZoomSR from web/public/icons/icon.svg, in the machine's Chromium.

python -m tools.figures.icons
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser

from tests.browser.chromium import find_chromium, started

ICONS = Path(__file__).resolve().parents[2] / "web" / "public" / "icons"
GROUND = "#1b6652"  # of the SVG's own square


class Icon(NamedTuple):
    """One file.

    Attributes:
        name: of the file, without its size.
        size: side in pixels.
        share: of the side that the drawing takes; a maskable icon may be cut to a circle of 0.8.
    """

    name: str
    size: int
    share: float

    @property
    def maskable(self) -> bool:
        """Whether the ground goes to the edge, for the system to cut its own shape out."""
        return self.share < 1


SIZES = (192, 512)
SETS = [
    *(Icon("icon", size, 1.0) for size in SIZES),
    *(Icon("maskable", size, 0.86) for size in SIZES),
    Icon("apple-touch", 180, 0.99),  # which iOS rounds itself, and shows on black if transparent
]


def main() -> None:
    """Writes all of them."""
    program = find_chromium()
    if program is None:
        raise SystemExit("there is no Chromium on the path")
    drawing = (ICONS / "icon.svg").read_text()
    with started(program) as browser:
        for icon in SETS:
            (ICONS / f"{icon.name}-{icon.size}.png").write_bytes(draw(browser, drawing, icon))


def draw(browser: Browser, drawing: str, icon: Icon) -> bytes:
    """The drawing as a PNG."""
    page = browser.new_page(viewport={"width": icon.size, "height": icon.size})
    ground = GROUND if icon.maskable else "transparent"
    side = round(icon.size * icon.share)
    page.set_content(
        f"<style>html {{ background: {ground}; }} body {{ margin: 0; display: grid; height: 100vh;"
        f" place-items: center; }} svg {{ width: {side}px; height: {side}px; }}</style>{drawing}"
    )
    content = page.screenshot(omit_background=True)
    page.close()
    return content


if __name__ == "__main__":
    main()
