"""Messages: to be read and closed wherever they come, and true of the file that is open."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms
from playwright.sync_api import expect

from tests.browser.photos import Photos
from tests.browser.zoom_page import ZoomPage

IS_ON_TOP = """(selector) => {
  const {x, y, width, height} = document.querySelector(selector).getBoundingClientRect();
  const found = document.elementFromPoint(x + width / 2, y + height / 2);
  return Boolean(found?.closest(selector));
}"""
HEIC = base64.b64decode(
    "AAAAGGZ0eXBoZWljAAAAAG1pZjFoZWljAAAAMG1ldGEAAAAAAAAAJGlwcnAAAAAcaXBjbwAAABRpc3BlAAAAAAAAAoAAAAHg"
)
WORDS = {
    "animation": "first frame",
    "transparency": "Transparent",
    "depth": "8 bits",
    "gamut": "Display P3",
}
AT_ONCE = {"animation", "transparency"}
"""Said when a photo is opened, for it is seen then; the rest where it is saved."""


@pytest.mark.parametrize("width", [320, 1280])
def test_a_message_can_be_read_over_a_sheet(zoom: ZoomPage, photos: Photos, width: int) -> None:
    zoom.page.set_viewport_size({"width": width, "height": 568})
    zoom.open(photos.small)
    zoom["#settings-open"].click()
    zoom.choose(photos.hostile["text.png"])
    zoom["#toast[data-kind=error]"].wait_for()
    for selector in ("#toast", "#settings-close"):
        assert zoom.page.evaluate(IS_ON_TOP, selector), selector
    zoom["#toast-close"].click()
    expect(zoom["#toast"]).to_be_hidden()
    zoom.choose(photos.hostile["text.png"])
    zoom["#toast"].wait_for()
    zoom["#settings-close"].click()
    zoom.page.wait_for_function(IS_ON_TOP, arg="#toast")  # it stays when the sheet goes
    zoom["#toast-close"].click()


def wide_profile() -> bytes:
    """A profile of sRGB whose red is BT.2020's."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    table = {
        bytes(profile[at : at + 4]): int.from_bytes(profile[at + 4 : at + 8])
        for at in range(132, 132 + 12 * int.from_bytes(profile[128:132]), 12)
    }
    red = (0.6735, 0.2790, -0.0019)
    for place, value in enumerate(red):
        at = table[b"rXYZ"] + 8 + 4 * place
        profile[at : at + 4] = round(value * 65536).to_bytes(4, signed=True)
    return bytes(profile)


def make_files(folder: Path) -> dict[str, Path]:
    """Files, by what they lose."""
    opaque = Image.new("RGBA", (60, 40), (200, 30, 30, 255))
    clear = opaque.copy()
    clear.putpixel((59, 39), (0, 0, 0, 254))
    frames = [Image.new("RGB", (60, 40), colour) for colour in ("red", "blue")]
    deep = Image.fromarray(np.full((40, 60), 30000, np.uint16))
    paths = {
        name: folder / f"{name}.{suffix}"
        for name, suffix in {
            "nothing": "png",
            "animation": "gif",
            "transparency": "png",
            "depth": "png",
            "gamut": "jpg",
        }.items()
    }
    opaque.save(paths["nothing"])
    frames[0].save(paths["animation"], save_all=True, append_images=frames[1:], duration=100)
    clear.save(paths["transparency"])
    deep.save(paths["depth"])
    opaque.convert("RGB").save(paths["gamut"], icc_profile=wide_profile())
    frames[0].save(folder / "still.gif")
    return {**paths, "still": folder / "still.gif"}


def test_what_is_lost_is_said_and_nothing_else(zoom: ZoomPage, tmp_path: Path) -> None:
    for lost, path in make_files(tmp_path).items():
        zoom.open(path)
        said = zoom["#toast"].inner_text() if zoom["#toast"].is_visible() else ""
        assert {name for name, words in WORDS.items() if words in said} == {lost} & AT_ONCE, path
        zoom["#upscale-all"].click()
        zoom["#format-picker input[value=jpeg]"].check(force=True)
        assert all(
            (WORDS[name] in zoom["#save-losses"].inner_text()) == (name == lost) for name in WORDS
        )
        zoom["#save-close"].click()


def test_notes_are_spoken_of_only_where_there_are_some(zoom: ZoomPage, tmp_path: Path) -> None:
    """What camera it was is kept by each format."""
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Foo"
    for suffix in ("jpg", "webp", "avif"):
        for notes in (b"<x:xmpmeta/>", b""):
            path = tmp_path / f"photo.{suffix}"
            Image.new("RGB", (60, 40), "green").save(path, xmp=notes, exif=exif)
            zoom.open(path)["#upscale-all"].click()
            said = zoom["#save-losses"].inner_text()
            assert ("keywords" in said) == bool(notes), path
            assert "Camera" not in said, path
            zoom["#save-close"].click()


def test_heic_is_called_by_its_name(zoom: ZoomPage, tmp_path: Path) -> None:
    path = tmp_path / "IMG_0001.HEIC"
    path.write_bytes(HEIC)
    zoom.choose(path)
    zoom["#toast[data-kind=error]"].wait_for()
    said = zoom["#toast"].inner_text()
    assert "HEIC" in said
    assert "JPEG" in said
    assert "damaged" not in said


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("scan.tif", ["TIFF", "PNG or JPEG", "splitsr upscale"]),
        ("DSC_0001.NEF", ["Camera raw", "JPEG or PNG"]),
    ],
)
def test_what_is_not_opened_is_called_by_its_name(
    zoom: ZoomPage, tmp_path: Path, name: str, words: list[str]
) -> None:
    """Both are TIFFs: the camera raw is one by its name alone."""
    path = tmp_path / name
    Image.new("RGB", (60, 40), "green").save(path, "tiff")
    zoom.choose(path)
    zoom["#toast[data-kind=error]"].wait_for()
    said = zoom["#toast"].inner_text()
    assert all(word in said for word in words), said
    assert "not a picture" not in said
    assert ("TIFF" in said) == (path.suffix == ".tif")
    zoom.wait("empty")


def test_a_narrow_picture_is_shown_to_its_end(zoom: ZoomPage, tmp_path: Path) -> None:
    """8x6000, its last tenth green; over its end lies the line that says what is seen."""
    pixels = np.full((6000, 8, 3), (200, 30, 30), np.uint8)
    pixels[5400:] = (20, 200, 20)
    Image.fromarray(pixels).save(tmp_path / "narrow.png")
    shown = zoom.open(tmp_path / "narrow.png").screenshot()
    column = shown[:, shown.shape[1] // 2].astype(int)
    red = (column[:, 0] > column[:, 1] + 60).sum()
    assert red / len(column) == pytest.approx(0.9, abs=0.01)
