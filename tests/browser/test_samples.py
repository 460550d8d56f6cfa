"""The start page's samples: photos with something to zoom into, fetched when they are opened."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.server import Server
from tests.browser.zoom_page import ZoomPage


def test_samples_are_photos_that_are_opened_whole(
    new_zoom: Callable[..., ZoomPage], server: Server
) -> None:
    """And offline, too, once they were used."""
    before = len(server.asked)
    zoom = new_zoom().visit().settle()
    zoom.page.wait_for_function("() => navigator.serviceWorker.controller !== null")
    names = ["dragonfly", "dogs", "fig"]
    large = {f"/samples/{name}.jpg" for name in names}
    assert not large & {asked.path for asked in server.asked[before:]}
    for index, name in enumerate(names[:2]):
        zoom[f"[data-testid=sample] >> nth={index}"].click()
        photo = zoom.wait_photo(f"{name}.jpg").view["photo"]
        assert 3e6 <= photo["width"] * photo["height"] <= 12e6
        assert zoom.view["zoom"] == zoom.view["fit"]
        zoom["#home"].click()
        zoom.wait("empty")
    zoom.page.context.set_offline(True)
    zoom["[data-testid=sample] >> nth=0"].click()
    zoom.wait_photo("dragonfly.jpg")["#home"].click()
    zoom["[data-testid=sample] >> nth=2"].click()
    zoom["#toast[data-kind=error]"].wait_for()
    expect(zoom["#toast"]).to_contain_text("connection")
    zoom.complaints.clear()  # the browser says that the request failed
