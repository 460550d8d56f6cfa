"""What computes: checked against the Python runtime before it is used, on any page."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import numpy as np
from PIL import Image
from playwright.sync_api import expect

from splitsr import Upscaler
from splitsr.zoomsr.resources import Resource
from splitsr.zoomsr.site import Site
from tests.browser.chromium import INSECURE_HOST
from tests.browser.photos import Photos
from tests.browser.server import Server
from tests.browser.zoom_page import ZoomPage

GOLDEN = "models/golden/splitsr-fast-x4.png"


def altered(site: Site, levels: int) -> Site:
    """The site with one value of the golden picture moved."""
    picture = np.array(Image.open(BytesIO(site[GOLDEN].content)).convert("RGB"))
    value = int(picture[20, 30, 1])
    picture[20, 30, 1] = value + levels if value < 128 else value - levels
    content = BytesIO()
    Image.fromarray(picture).save(content, "png")
    return {**site, GOLDEN: Resource.of(GOLDEN, content.getvalue())}


def test_it_says_what_computes_and_why(zoom: ZoomPage) -> None:
    assert zoom.ask("backend") == "wasm"
    assert zoom.ask("threads") >= 1
    reason = zoom.ask("backendReason")
    assert "WebGPU" in reason
    zoom.open_advanced()
    expect(zoom["#backend"]).to_contain_text(reason)


def test_a_backend_that_computes_otherwise_is_refused(
    open_tab: Callable[..., ZoomPage], site: Site
) -> None:
    """Three levels at one value of the golden picture are enough; one level may be rounding."""
    with Server(altered(site, 3)) as server:
        zoom = open_tab(server.url)
        zoom.page.goto(server.url)
        zoom.page.wait_for_selector("html[data-engine=failed]", state="attached")
        expect(zoom["#toast[data-kind=error]"]).to_contain_text("splitsr-fast-x4")


def test_an_insecure_page_computes_on_one_thread(
    open_tab: Callable[..., ZoomPage], server: Server, photos: Photos
) -> None:
    """As a phone gets it from a computer in the same house: no threads, no `crypto.subtle`."""
    zoom = open_tab(server.url.replace("127.0.0.1", INSECURE_HOST)).visit()
    assert zoom.page.evaluate("[isSecureContext, crypto.subtle === undefined]") == [False, True]
    assert zoom.ask("threads") == 1
    # The browser tells that it leaves the isolating header of such a page alone, and that is all.
    assert all("Cross-Origin-Opener-Policy" in line for line in zoom.complaints)
    zoom.complaints.clear()
    expected = Upscaler("splitsr-fast-x4")(np.asarray(Image.open(photos.small)))
    assert np.abs(zoom.open(photos.small).upscaled().astype(int) - expected).max() <= 1
