"""Cleaning photos up: by the switch, by the file's quality, and only where there is a twin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from splitsr import Upscaler
from splitsr.imaging.degradation import jpeg_compression
from splitsr.imaging.photo import Photo
from splitsr.runtime.restore import choose_restoration
from splitsr.zoo.catalogue import find_model, find_twin, shipped_catalogue
from splitsr.zoomsr.site import build_site
from tests.browser.photos import Photos
from tests.browser.server import Server
from tests.browser.test_upscale import difference
from tests.browser.zoom_page import ZoomPage

TWIN = "/models/tiny-restore-x4.onnx"


@pytest.fixture(scope="session")
def restoring_server(restoring_model: Path) -> Iterator[Server]:
    """The app with two models, of which `tiny-x4` has a twin."""
    clean = replace(find_model(restoring_model), parameters=1, multi_adds_720p=1)
    twin = find_twin(clean)
    assert twin is not None
    alone = shipped_catalogue()["splitsr-fast-x4"]
    entries = {entry.name: entry for entry in (alone, clean, twin)}
    with Server(build_site(catalogue=entries)) as server:
        yield server


@pytest.fixture(scope="session")
def jpeg(tmp_path_factory: pytest.TempPathFactory, photos: Photos) -> Path:
    """The cat as an ordinary JPEG."""
    path = tmp_path_factory.mktemp("jpeg") / "cat.jpg"
    with Image.open(photos.cat) as cat:
        cat.save(path, quality=75)
    return path


@pytest.fixture
def zoom(open_tab: Callable[..., ZoomPage], restoring_server: Server) -> ZoomPage:
    """The app with `tiny-x4`, on a desktop."""
    return open_tab(restoring_server.url, model="tiny-x4").visit()


def choose(zoom: ZoomPage, restore: str) -> None:
    zoom["#settings-open"].click()
    zoom[f"#restore-picker input[value={restore}]"].check(force=True)
    zoom["#settings-close"].click()


def upscaled(zoom: ZoomPage, photo: Path) -> np.ndarray:
    found = zoom.open(photo).upscaled()
    zoom["#save-close"].click()
    return found


def test_a_jpeg_is_cleaned_up_by_its_quality(
    zoom: ZoomPage, restoring_model: Path, jpeg: Path
) -> None:
    decoded = zoom.decoded(jpeg)
    found, strength = upscaled(zoom, jpeg), zoom.ask("strength")
    with Image.open(jpeg) as image:
        wanted = choose_restoration("tiny-x4", Photo(decoded, compression=jpeg_compression(image)))
    assert strength == wanted.strength > 0
    assert difference(found, Upscaler(restoring_model, restore=strength)(decoded)) <= 1

    choose(zoom, "off")
    clean = upscaled(zoom, jpeg)
    assert zoom.ask("strength") == 0
    assert difference(clean, Upscaler(restoring_model)(decoded)) <= 1
    assert difference(found, clean) > 10

    choose(zoom, "strong")
    strong = upscaled(zoom, jpeg)
    assert difference(strong, Upscaler(restoring_model, restore=1)(decoded)) <= 1


def test_a_png_is_cleaned_up_by_wish_alone(zoom: ZoomPage, photos: Photos) -> None:
    auto = upscaled(zoom, photos.cat)
    choose(zoom, "off")
    np.testing.assert_array_equal(upscaled(zoom, photos.cat), auto)
    choose(zoom, "strong")
    assert difference(upscaled(zoom, photos.cat), auto) > 10


def test_it_says_what_it_did(zoom: ZoomPage, photos: Photos, jpeg: Path) -> None:
    zoom.open(jpeg).press("4").wait("sharp")
    expect(zoom["#hint-text"]).to_contain_text("cleaned up")
    zoom["#upscale-all"].click()
    expect(zoom["#save-cleaned"]).to_contain_text("Cleaned up: ")
    zoom["#save-close"].click()
    zoom.open(photos.cat).press("4").wait("sharp")
    expect(zoom["#hint-text"]).not_to_contain_text("cleaned")


def test_the_choice_is_remembered_and_held_back_where_there_is_no_twin(
    zoom: ZoomPage,
) -> None:
    choose(zoom, "strong")
    zoom.reload().wait_ready()
    expect(zoom["[name=restore]:checked"]).to_have_attribute("value", "strong")
    expect(zoom["[name=restore]:enabled"]).to_have_count(3)
    zoom.choose_model("splitsr-fast-x4")
    expect(zoom["[name=restore]:enabled"]).to_have_count(0)
    zoom["#settings-open"].click()
    expect(zoom["#restore-help"]).to_contain_text("cannot clean up")


def test_the_twin_is_fetched_when_it_is_needed(
    zoom: ZoomPage, restoring_server: Server, photos: Photos, jpeg: Path
) -> None:
    asked = restoring_server.asked
    before = len(asked)

    def fetched() -> bool:
        return TWIN in [request.path for request in asked[before:]]

    zoom.open(photos.cat).press("4").wait("sharp")
    choose(zoom, "off")
    zoom.open(jpeg).press("4").wait("sharp")
    assert not fetched()
    choose(zoom, "auto")
    zoom.wait("sharp")
    assert zoom.ask("strength") > 0
    assert fetched()


def test_without_its_twin_a_model_goes_on(zoom: ZoomPage, jpeg: Path) -> None:
    zoom.page.context.route(f"**{TWIN}", lambda route: route.abort())
    zoom.open(jpeg).press("4")
    zoom["#toast[data-kind=error]"].wait_for()
    expect(zoom["#toast"]).to_contain_text("tiny-restore-x4")
    zoom.wait("sharp")
    assert zoom.ask("strength") == 0
    zoom.complaints.clear()  # the browser says that the request failed


def test_offline_too(
    new_zoom: Callable[..., ZoomPage], restoring_server: Server, jpeg: Path
) -> None:
    zoom = new_zoom(restoring_server.url).visit().choose_model("tiny-x4").settle()
    zoom.page.wait_for_function("() => navigator.serviceWorker.controller !== null")
    runtime = zoom.page.evaluate(
        """() => Promise.all(
          ["mjs", "wasm"].map((end) => caches.match(`ort/ort-wasm-simd-threaded.asyncify.${end}`)),
        ).then((found) => found.map((response) => response?.ok))"""
    )
    assert runtime == [True, True]  # even if it came before the service worker took over
    zoom.page.context.set_offline(True)
    zoom.reload().wait_ready().open(jpeg).press("4").wait("sharp")
    assert zoom.ask("strength") > 0
