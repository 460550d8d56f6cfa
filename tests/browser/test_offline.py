"""Installed and offline: manifest, service worker, plain files, and a model that was damaged."""

from __future__ import annotations

import functools
import http.server
import json
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, expect

from splitsr import Upscaler
from splitsr.zoomsr.export import export_site
from splitsr.zoomsr.resources import Resource
from splitsr.zoomsr.site import Site
from tests.browser.chromium import INSECURE_HOST
from tests.browser.photos import Photos
from tests.browser.server import Server
from tests.browser.zoom_page import ZoomPage

FIRST_VISIT_BYTES = 2_000_000
"""Over the line, with a photo that is cleaned up and sharpened by the fast model."""
CONTROLLED = "() => navigator.serviceWorker.controller !== null"


@pytest.fixture
def manifest(server: Server) -> dict[str, Any]:
    with urllib.request.urlopen(server.url + "manifest.webmanifest") as answer:
        found: dict[str, Any] = json.load(answer)
    return found


@pytest.fixture
def zoom(new_zoom: Callable[..., ZoomPage]) -> ZoomPage:
    """The app on a first visit, its engine ready."""
    return new_zoom().visit()


def installed(zoom: ZoomPage) -> ZoomPage:
    """Waits until the service worker has everything and controls the page."""
    zoom.settle().page.wait_for_function(CONTROLLED)
    return zoom


def right(zoom: ZoomPage, photos: Photos) -> bool:
    """Whether the app, as it stands, enlarges a photo as the runtime does."""
    found = zoom.open(photos.small).upscaled()
    expected = Upscaler("splitsr-fast-x4")(np.asarray(Image.open(photos.small)))
    return bool(np.abs(found.astype(int) - expected).max() <= 1)


def test_the_manifest_has_what_installing_needs(manifest: dict[str, Any], server: Server) -> None:
    for field in ("name", "short_name", "description", "theme_color", "background_color"):
        assert manifest[field]
    assert len(manifest["short_name"]) <= 12
    assert manifest["display"] == "standalone"
    with urllib.request.urlopen(urljoin(server.url, manifest["start_url"])) as answer:
        assert answer.status == 200


def test_icons_have_the_size_that_they_say(manifest: dict[str, Any], server: Server) -> None:
    sizes: dict[str, set[str]] = {}
    for icon in manifest["icons"]:
        with urllib.request.urlopen(server.url + icon["src"]) as answer:
            content = answer.read()
            assert answer.headers["content-type"] == icon["type"]
        for purpose in icon.get("purpose", "any").split():
            sizes.setdefault(purpose, set()).add(icon["sizes"])
        if icon["type"] == "image/png":
            width, height = Image.open(BytesIO(content)).size
            assert icon["sizes"] == f"{width}x{height}"
    assert {"192x192", "512x512"} <= sizes["any"]
    assert sizes["maskable"] & {"192x192", "512x512"}


def test_the_browser_itself_would_install_it(zoom: ZoomPage) -> None:
    session = installed(zoom).page.context.new_cdp_session(zoom.page)
    found = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    # What a profile of its own, as tests have, is always told.
    assert [e["errorId"] for e in found if e["errorId"] != "in-incognito"] == []


def test_it_works_in_airplane_mode(zoom: ZoomPage, photos: Photos) -> None:
    installed(zoom)
    zoom.page.context.set_offline(True)
    zoom.page.reload()
    zoom.wait_ready()
    assert zoom.page.evaluate("navigator.onLine") is False
    assert right(zoom, photos)


def test_it_works_when_the_server_is_gone(
    new_zoom: Callable[..., ZoomPage], site: Site, photos: Photos
) -> None:
    with Server(site) as server:
        zoom = installed(new_zoom(server.url).visit())
    zoom.page.goto(server.url)  # the start_url, from nothing but the caches
    zoom.wait_ready()
    assert zoom.page.evaluate("crossOriginIsolated") is True
    assert right(zoom, photos)
    zoom.complaints.clear()  # a look for a newer version finds no server, and may say so


def test_a_new_version_is_offered_and_taken(
    new_zoom: Callable[..., ZoomPage], site: Site, photos: Photos
) -> None:
    served = dict(site)
    with Server(served) as server:
        zoom = installed(new_zoom(server.url).visit())
        newer = served["sw.js"].content + b"\n// newer\n"
        served["sw.js"] = Resource.of("sw.js", newer)
        zoom.page.reload()
        zoom["#update-prompt"].wait_for()
        with zoom.page.expect_navigation():
            zoom["#update-apply"].click()
        zoom.wait_ready()
        expect(zoom["#update-prompt"]).to_be_hidden()
        assert right(zoom, photos)


@pytest.mark.parametrize("host", ["127.0.0.1", INSECURE_HOST])
def test_a_first_visit_takes_little_and_a_second_one_nothing(
    new_zoom: Callable[..., ZoomPage], site: Site, photos: Photos, host: str
) -> None:
    """From a secure host by Brotli; else by gzip, and without a service worker."""
    with Server(site) as server:
        zoom = new_zoom(server.url.replace("127.0.0.1", host)).visit()
        if host != INSECURE_HOST:
            installed(zoom)
        zoom.open(photos.turned).press("4").wait("sharp")
        first = server.sent
        assert first < FIRST_VISIT_BYTES
        zoom.page.goto("about:blank")
        zoom.visit().open(photos.turned).press("4").wait("sharp")
        assert zoom.ask("strength") > 0  # its twin was there, too
        assert server.sent == first
    zoom.complaints.clear()  # of the isolating header, on a page that is not secure


@pytest.mark.parametrize("wish", ["used", "all", "nothing"])
def test_models_are_there_offline_that_were_used_or_wished_for(
    zoom: ZoomPage, photos: Photos, wish: str
) -> None:
    installed(zoom)
    if wish == "used":
        zoom.choose_model("splitsr-balanced-x2").choose_model("splitsr-fast-x4").settle()
    if wish == "all":
        zoom["#settings-open"].click()
        zoom["#keep-all"].check()
        zoom["#toast"].wait_for()
        zoom["#settings-close"].click()
    zoom.page.context.set_offline(True)
    zoom.reload().wait_ready()
    zoom.choose_model("splitsr-balanced-x2")
    if wish == "nothing":
        expect(zoom["#toast[data-kind=error]"]).to_contain_text("connection")
        assert zoom.ask("model") == "splitsr-fast-x4"
        zoom.complaints.clear()  # the browser says that the request failed
        return
    zoom.open(photos.small)
    expected = Upscaler("splitsr-balanced-x2")(np.asarray(Image.open(photos.small)))
    assert np.abs(zoom.upscaled().astype(int) - expected).max() <= 1


def test_a_model_that_was_damaged_in_the_cache_is_fetched_again(
    zoom: ZoomPage, photos: Photos
) -> None:
    installed(zoom).page.evaluate(
        """async () => {
          for (const name of await caches.keys()) {
            const cache = await caches.open(name);
            const address = new URL("models/splitsr-fast-x4.onnx", document.baseURI);
            if (await cache.match(address)) await cache.put(address, new Response("damaged"));
          }
        }"""
    )
    zoom.reload().wait_ready()
    assert right(zoom, photos)


@pytest.fixture
def plain_files(site: Site, tmp_path: Path) -> Iterator[str]:
    """The export behind Python's own web server, which sends no header of ours."""
    export_site(site, tmp_path / "public" / "zoomsr")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

    handler = functools.partial(Quiet, directory=str(tmp_path / "public"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/zoomsr/"
        server.shutdown()
        thread.join()


def test_plain_files_in_a_subfolder(
    new_zoom: Callable[..., ZoomPage], plain_files: str, photos: Photos
) -> None:
    zoom = installed(new_zoom(plain_files).visit())
    zoom.page.reload()  # now by the service worker, which adds the headers
    zoom.wait_ready()
    assert zoom.page.evaluate("crossOriginIsolated") is True
    assert right(zoom, photos)


def test_a_damaged_model_is_refused(
    new_context: Callable[..., BrowserContext], server: Server, site: Site
) -> None:
    """One bit of the network is flipped on its way, with the length kept."""
    context = new_context(service_workers="block")
    zoom = ZoomPage(context.new_page(), server.url)
    content = bytearray(site["models/splitsr-fast-x4.onnx"].content)
    content[len(content) // 2] ^= 1
    context.route("**/splitsr-fast-x4.onnx", lambda route: route.fulfill(body=bytes(content)))
    zoom.page.goto(server.url)
    toast = zoom["#toast[data-kind=error]"]
    toast.wait_for()
    expect(zoom["html"]).to_have_attribute("data-engine", "failed")


def test_the_command_serves_the_app(new_zoom: Callable[..., ZoomPage], photos: Photos) -> None:
    """`splitsr zoom` as it is installed, in a process of its own."""
    program = Path(sys.executable).with_name("splitsr")
    with subprocess.Popen(
        [program, "zoom", "--port", "0"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[1]
        try:
            zoom = new_zoom(url).visit()
            assert zoom.page.evaluate("crossOriginIsolated") is True
            assert right(zoom, photos)
        finally:
            process.terminate()
