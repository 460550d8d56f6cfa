"""Whole photos in the browser, against the package's own runtime."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from splitsr import Upscaler
from tests.browser.photos import Photos
from tests.browser.server import Server
from tests.browser.zoom_page import ZoomPage


def difference(found: np.ndarray, expected: np.ndarray) -> int:
    assert found.shape == expected.shape
    return int(np.abs(found.astype(int) - expected).max())


def read(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))


@pytest.mark.parametrize(
    "model", ["splitsr-fast-x4", "splitsr-balanced-x4", "splitsr-fast-x3", "splitsr-balanced-x2"]
)
def test_a_photo_is_what_the_runtime_makes_of_it(
    zoom: ZoomPage, photos: Photos, model: str
) -> None:
    zoom.choose_model(model).open(photos.cat)
    found = zoom.upscaled()
    assert difference(found, Upscaler(model)(read(photos.cat))) <= 1


def test_a_model_that_was_let_go_of_is_there_again(zoom: ZoomPage, photos: Photos) -> None:
    """The engine keeps two models loaded."""
    zoom.open(photos.cat)
    for name in ("splitsr-fast-x2", "splitsr-fast-x3", "splitsr-fast-x4"):
        zoom.choose_model(name)
    zoom.press("4").wait("sharp")
    assert difference(zoom.upscaled(), Upscaler("splitsr-fast-x4")(read(photos.cat))) <= 1


def test_a_photo_that_was_turned(zoom: ZoomPage, photos: Photos) -> None:
    zoom.open(photos.turned)
    assert (zoom.view["photo"]["width"], zoom.view["photo"]["height"]) == (360, 480)
    found, strength = zoom.upscaled(), zoom.ask("strength")  # a JPEG: cleaned up
    assert found.shape == (1920, 1440, 3)
    expected = Upscaler("splitsr-fast-x4", restore=strength)(zoom.decoded(photos.turned))
    assert difference(found, expected) <= 1


@pytest.mark.parametrize(
    ("image_format", "suffix"), [("png", "png"), ("jpeg", "jpg"), ("webp", "webp")]
)
def test_the_result_keeps_its_name_and_has_the_format(
    zoom: ZoomPage, photos: Photos, image_format: str, suffix: str
) -> None:
    zoom.open(photos.cat).start_upscaling(image_format)
    name, content = zoom.download()
    assert name == f"chelsea_x4.{suffix}"
    with Image.open(BytesIO(content)) as image:
        assert image.format == image_format.upper()
        assert image.size == (1200, 800)
        found = np.asarray(image.convert("RGB")).astype(int)
    expected = Upscaler("splitsr-fast-x4")(read(photos.cat))
    assert np.abs(found - expected).mean() < 4  # of the picture, and not of another


def test_a_photo_of_one_pixel(zoom: ZoomPage, photos: Photos) -> None:
    zoom.open(photos.tiny)
    found = zoom.upscaled()
    assert difference(found, Upscaler("splitsr-fast-x4")(read(photos.tiny))) <= 1


@pytest.mark.parametrize("service_workers", ["allow", "block"])
def test_no_request_goes_out_while_a_photo_is_enlarged(
    new_zoom: Callable[..., ZoomPage], server: Server, photos: Photos, service_workers: str
) -> None:
    zoom = new_zoom(service_workers=service_workers)
    made: list[tuple[str, str]] = []
    zoom.page.context.on("request", lambda r: made.append((r.method, r.url)))
    before = len(server.asked)
    zoom.visit()
    if service_workers == "allow":
        zoom.settle()
    assert {(method, url.startswith((zoom.url, "blob:"))) for method, url in made} == {
        ("GET", True)
    }
    asked = server.asked[before:]
    assert {(request.method, request.body) for request in asked} == {("GET", "")}

    with zoom.silent(server.asked):
        zoom.open(photos.cat).press("4").wait("sharp")
        zoom.upscaled()


def test_cancelling_ends_the_work(zoom: ZoomPage, photos: Photos) -> None:
    zoom.open(photos.lasting).start_upscaling()
    zoom.wait("upscaling")
    zoom["#progress"].wait_for()
    zoom["#cancel"].click()
    zoom.wait("view", "sharpening", "sharp")
    assert not zoom["#progress"].is_visible()
    assert not zoom["#download"].is_visible()
    zoom["#save-close"].click()
    # The worker is free again: a small photo is done in a moment, not after the large one.
    zoom.open(photos.cat)
    assert difference(zoom.upscaled(), Upscaler("splitsr-fast-x4")(read(photos.cat))) <= 1


def test_progress_goes_up_to_the_end(zoom: ZoomPage, photos: Photos) -> None:
    zoom.open(photos.turned)
    zoom.page.evaluate(
        """() => {
          window.seen = [];
          const bar = document.querySelector("#progress");
          new MutationObserver(() => window.seen.push(Number(bar.getAttribute("aria-valuenow"))))
            .observe(bar, {attributes: true, attributeFilter: ["aria-valuenow"]});
        }"""
    )
    zoom.upscaled()
    seen = zoom.page.evaluate("window.seen")
    assert seen == sorted(seen)
    assert seen[-1] == 100


def test_a_result_of_other_choices_is_not_offered(zoom: ZoomPage, photos: Photos) -> None:
    zoom.open(photos.turned).start_upscaling("jpeg").wait("done")
    zoom["#quality"].press("ArrowLeft")
    assert not zoom["#download"].is_visible()
    zoom["#quality"].press("ArrowRight")  # it was not thrown away
    assert zoom["#download"].is_visible()
    zoom["#quality"].press("ArrowLeft")
    zoom["#upscale-start"].click()
    zoom.wait("done")
    zoom["#save-close"].click()
    zoom.choose_model("splitsr-fast-x2")
    zoom["#job-open"].click()
    assert not zoom["#download"].is_visible()
    zoom["#upscale-start"].click()
    name, content = zoom.download()
    assert name == "turned_x2.jpg"
    assert Image.open(BytesIO(content)).size == (720, 960)


def test_a_job_goes_on_whatever_else_is_tried(zoom: ZoomPage, photos: Photos) -> None:
    """Neither a refused file nor a wish for another network ends it."""
    zoom.open(photos.lasting).start_upscaling()
    zoom["#save-close"].click()
    zoom.open_advanced()
    assert zoom["#model-picker"].is_disabled()
    assert zoom["#settings-dialog [data-choice] input:enabled"].count() == 0
    zoom["#settings-close"].click()
    zoom.choose(photos.hostile["text.png"])
    zoom["#toast[data-kind=error]"].wait_for()
    assert zoom.state == "upscaling"
