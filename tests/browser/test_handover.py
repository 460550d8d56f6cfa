"""A result goes to the clipboard or to another app, where the browser can do that."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.photos import Photos
from tests.browser.zoom_page import ZoomPage

READ_CLIPBOARD = """async () => {
  const [item] = await navigator.clipboard.read();
  const bitmap = await createImageBitmap(await item.getType("image/png"));
  return [bitmap.width, bitmap.height];
}"""
SHARE = """
window.shared = [];
navigator.canShare = ({files}) => files.length === 1;
navigator.share = async ({files: [file]}) => {
  if (window.refused) throw new DOMException("no", window.refused);
  window.shared.push([file.name, file.type, file.size]);
};
"""


@pytest.mark.parametrize("image_format", ["png", "jpeg"])
def test_it_can_be_copied(zoom: ZoomPage, photos: Photos, image_format: str) -> None:
    zoom.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    zoom.open(photos.small).start_upscaling(image_format).wait("done")
    expect(zoom["#share"]).to_be_hidden()  # this browser shares no files
    zoom["#copy"].click()
    zoom["#toast[data-kind=info]"].wait_for()
    expect(zoom["#toast"]).to_have_text("Copied.")
    assert zoom.page.evaluate(READ_CLIPBOARD) == [384, 256]
    assert zoom["#job"].evaluate("job => !job.hidden")  # a clipboard keeps nothing for long


def test_it_can_be_shared(open_tab: Callable[..., ZoomPage], photos: Photos) -> None:
    zoom = open_tab().run_first(SHARE)
    zoom.visit().open(photos.small).start_upscaling("jpeg").wait("done")
    for refused in ("AbortError", "NotAllowedError"):  # its owner's choice; the browser's
        zoom.page.evaluate(f"window.refused = '{refused}'")
        zoom["#share"].click()
        if refused == "NotAllowedError":
            zoom["#toast[data-kind=error]"].wait_for()
        assert zoom["#job"].evaluate("job => !job.hidden")
    zoom.page.evaluate("window.refused = ''")
    zoom["#share"].click()
    zoom.page.wait_for_function("() => document.querySelector('#job').hidden")
    [[name, kind, size]] = zoom.page.evaluate("window.shared")
    assert (name, kind) == ("small_x4.jpg", "image/jpeg")
    assert size == zoom.page.evaluate("window.zoomsr.result().then((blob) => blob.size)")
