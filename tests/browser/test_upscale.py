"""Whole photos in the browser, against the package's own runtime."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from splitsr import Upscaler
from splitsr.imaging.resize import resize_bicubic
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
    zoom.choose_model(model).open(photos.small)
    found = zoom.upscaled()
    assert difference(found, Upscaler(model)(read(photos.small))) <= 1


def test_a_model_that_was_let_go_of_is_there_again(zoom: ZoomPage, photos: Photos) -> None:
    """The engine keeps two models loaded."""
    zoom.open(photos.small)
    for name in ("splitsr-fast-x2", "splitsr-fast-x3", "splitsr-fast-x4"):
        zoom.choose_model(name)
    zoom.press("4").wait("sharp")
    assert difference(zoom.upscaled(), Upscaler("splitsr-fast-x4")(read(photos.small))) <= 1


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
    zoom.open(photos.small).start_upscaling(image_format)
    name, content = zoom.download()
    assert name == f"small_x4.{suffix}"
    with Image.open(BytesIO(content)) as image:
        assert image.format == image_format.upper()
        assert image.size == (384, 256)
        found = np.asarray(image.convert("RGB")).astype(int)
    expected = Upscaler("splitsr-fast-x4")(read(photos.small))
    assert np.abs(found - expected).mean() < 4  # of the picture, and not of another


def choose_side(zoom: ZoomPage, side: int) -> None:
    zoom["#upscale-all"].click()
    zoom["#save-dialog [data-choice=size] input[value=px]"].check(force=True)
    zoom["#save-dialog .side-field input"].fill(str(side))
    zoom["#save-close"].click()


def test_a_size_in_pixels_is_reached_exactly(zoom: ZoomPage, photos: Photos) -> None:
    """By the smallest scale that reaches it, shrunk as the package does it."""
    zoom.open(photos.small)
    choose_side(zoom, 400)
    zoom["#upscale-all"].click()
    expect(zoom["#save-size"]).to_contain_text("97 to 384")
    expect(zoom["#upscale-start"]).to_be_disabled()
    zoom["#save-close"].click()
    choose_side(zoom, 225)
    name, content = zoom.start_upscaling().download()
    assert name == "small_225px.png"
    found = np.asarray(Image.open(BytesIO(content)).convert("RGB"))
    assert found.shape == (150, 225, 3)
    expected = resize_bicubic(Upscaler("splitsr-fast-x3")(read(photos.small)), 150, 225)
    assert difference(found, expected) <= 1


def test_what_is_in_view_is_what_it_is_in_the_whole(zoom: ZoomPage, photos: Photos) -> None:
    zoom.page.set_viewport_size({"width": 640, "height": 480})
    zoom.open(photos.cat)["#upscale-all"].click()
    expect(zoom["#part-picker"]).to_be_hidden()  # all of it is in view
    zoom["#save-close"].click()
    zoom.press("4").press("ArrowRight").wait("sharp")
    zoom["#upscale-all"].click()
    zoom["#part-picker input[value=view]"].check(force=True)
    zoom["#upscale-start"].click()
    name, content = zoom.download()
    assert name == "chelsea_x4_crop.png"
    found = np.asarray(Image.open(BytesIO(content)).convert("RGB"))
    view = zoom.view
    left, top = (view[axis] - size / 8 for axis, size in zip("xy", found.shape[1::-1], strict=True))
    assert left > 0
    whole = Upscaler("splitsr-fast-x4")(read(photos.cat))
    rows = slice(4 * round(top), 4 * round(top) + len(found))
    part = whole[rows, 4 * round(left) : 4 * round(left) + found.shape[1]]
    assert difference(found, part) <= 1
    zoom["#save-close"].click()
    zoom.press("ArrowLeft")["#upscale-all"].click()
    expect(zoom["#download"]).to_be_hidden()  # another part


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
        zoom.open(photos.small).press("4").wait("sharp")
        zoom.upscaled()


def test_cancelling_ends_the_work(zoom: ZoomPage, photos: Photos) -> None:
    zoom.open(photos.lasting).start_upscaling()
    zoom.wait("upscaling")
    zoom["#progress"].wait_for()
    zoom["#cancel"].click()
    zoom.wait("view", "sharpening", "sharp")
    expect(zoom["#progress"]).to_be_hidden()
    expect(zoom["#download"]).to_be_hidden()
    zoom["#save-close"].click()
    # The worker is free again: a small photo is done in a moment, not after the large one.
    zoom.open(photos.small)
    assert difference(zoom.upscaled(), Upscaler("splitsr-fast-x4")(read(photos.small))) <= 1


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
    zoom.open(photos.small).start_upscaling("jpeg").wait("done")
    zoom["#quality"].press("ArrowLeft")
    expect(zoom["#download"]).to_be_hidden()
    zoom["#quality"].press("ArrowRight")  # it was not thrown away
    expect(zoom["#download"]).to_be_visible()
    zoom["#quality"].press("ArrowLeft")
    zoom["#upscale-start"].click()
    zoom.wait("done")
    zoom["#save-close"].click()
    zoom.choose_model("splitsr-fast-x2")
    zoom["#job-open"].click()
    expect(zoom["#download"]).to_be_hidden()
    zoom["#upscale-start"].click()
    name, content = zoom.download()
    assert name == "small_x2.jpg"
    assert Image.open(BytesIO(content)).size == (192, 128)


def test_a_job_goes_on_whatever_else_is_tried(zoom: ZoomPage, photos: Photos) -> None:
    """Neither a refused file nor a wish for another network ends it."""
    zoom.open(photos.lasting).start_upscaling()
    zoom["#save-close"].click()
    zoom.open_advanced()
    expect(zoom["#model-picker"]).to_be_disabled()
    expect(zoom["#settings-dialog [data-choice] input:enabled"]).to_have_count(0)
    zoom["#settings-close"].click()
    zoom.choose(photos.hostile["text.png"])
    zoom["#toast[data-kind=error]"].wait_for()
    zoom.wait("upscaling")
