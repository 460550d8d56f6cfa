"""What a photo carries is in its result: EXIF, colours, 16 bits and transparency."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms
from playwright.sync_api import expect

from splitsr import Upscaler
from splitsr.imaging.files import read_photo, write_photo
from splitsr.imaging.metadata.icc import cicp_profile
from splitsr.imaging.photo import Photo
from tests.browser.photos import Photos
from tests.browser.zoom_page import ZoomPage

MODEL = "splitsr-fast-x2"
PLACE = {1: "N", 2: (37.0, 33.0, 12.5), 3: "E", 4: (126.0, 58.0, 40.0)}
DISPLAY_P3 = cicp_profile(12, 13, gray=False) or b""


@pytest.fixture
def zoom(open_tab: Callable[..., ZoomPage]) -> ZoomPage:
    return open_tab(model=MODEL, restore="off").visit()


def thumbnail() -> bytes:
    file = BytesIO()
    Image.new("RGB", (16, 16), "red").save(file, "JPEG")
    return file.getvalue()


def make_exif() -> bytes:
    """Of a camera that was held upright: with a place, the sizes and a thumbnail."""
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Foo"
    exif[ExifTags.Base.Orientation] = 6
    details = exif.get_ifd(ExifTags.IFD.Exif)
    details[ExifTags.Base.DateTimeOriginal] = "2026:01:02 03:04:05"
    details[ExifTags.Base.ExifImageWidth] = 60
    details[ExifTags.Base.ExifImageHeight] = 40
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(PLACE)
    block = bytearray(exif.tobytes().removeprefix(b"Exif\0\0"))
    (count,) = struct.unpack_from(">H", block, 8)
    struct.pack_into(">L", block, 10 + 12 * count, len(block))  # to the directory that follows
    jpeg = thumbnail()
    entries = ((0x0201, len(block) + 30), (0x0202, len(jpeg)))
    second = struct.pack(">H", 2) + b"".join(struct.pack(">HHLL", t, 4, 1, v) for t, v in entries)
    return bytes(block + second + bytes(4) + jpeg)


def exif_of(content: bytes) -> Image.Exif:
    with Image.open(BytesIO(content)) as image:
        return image.getexif()


@pytest.mark.parametrize(
    ("suffix", "target"), [("jpg", "jpeg"), ("png", "webp"), ("webp", "png"), ("avif", "jpeg")]
)
def test_exif_is_kept_and_the_place_if_one_likes(
    zoom: ZoomPage, tmp_path: Path, suffix: str, target: str
) -> None:
    path = tmp_path / f"photo.{suffix}"
    Image.new("RGB", (60, 40), "green").save(path, exif=b"Exif\0\0" + make_exif())
    zoom.open(path).start_upscaling(target)
    _, content = zoom.download()
    found, size = exif_of(content), Image.open(BytesIO(content)).size
    assert size == (80, 120)  # upright
    details = found.get_ifd(ExifTags.IFD.Exif)
    assert found[ExifTags.Base.Make] == "Foo"
    assert found.get(ExifTags.Base.Orientation, 1) == 1  # AVIF says it elsewhere
    assert details[ExifTags.Base.DateTimeOriginal] == "2026:01:02 03:04:05"
    stated = details[ExifTags.Base.ExifImageWidth], details[ExifTags.Base.ExifImageHeight]
    assert stated == size
    assert found.get_ifd(ExifTags.IFD.GPSInfo) == {}
    for gone in (thumbnail(), struct.pack(">LL", 125, 10), struct.pack(">LL", 25, 2)):
        assert gone not in content  # 12.5 seconds; not left behind where nothing points to

    zoom["#keep-place"].check()
    zoom["#upscale-start"].click()
    _, content = zoom.download()
    assert exif_of(content).get_ifd(ExifTags.IFD.GPSInfo) == PLACE
    zoom["#keep-details"].uncheck()
    zoom["#upscale-start"].click()
    _, content = zoom.download()
    assert not exif_of(content)


def test_a_damaged_block_is_lost_and_nothing_else(zoom: ZoomPage, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    Image.new("RGB", (60, 40), "green").save(path, exif=b"Exif\0\0MM\0*\0\0\xff\0")
    zoom.open(path)["#upscale-all"].click()
    expect(zoom["#keep"]).to_be_hidden()
    expect(zoom["#save-losses"]).to_contain_text("Camera")
    zoom["#save-close"].click()
    assert zoom.upscaled().shape == (80, 120, 3)


@pytest.mark.parametrize("target", ["png", "jpeg", "webp"])
def test_wide_colours_stay_wide(
    zoom: ZoomPage, photos: Photos, tmp_path: Path, target: str
) -> None:
    """A photo of Display P3 is one afterwards, with a profile of the same numbers."""
    path = tmp_path / "wide.png"
    pixels = np.asarray(Image.open(photos.cat).convert("RGB"))[60:140, 100:220]
    Image.fromarray(pixels).save(path, icc_profile=DISPLAY_P3)
    zoom.open(path).start_upscaling(target)
    _, content = zoom.download()
    with Image.open(BytesIO(content)) as image:
        profile = image.info["icc_profile"]
        found = np.asarray(image.convert("RGB"))
    difference = np.abs(found.astype(int) - Upscaler(MODEL)(pixels))
    assert difference.max() <= 2 if target == "png" else difference.mean() < 4
    for wanted in ("rXYZ", "gXYZ", "bXYZ", "rTRC", "gTRC", "bTRC", "wtpt", "chad"):
        assert np.abs(tag(profile, wanted) - tag(DISPLAY_P3, wanted)).max() <= 1, wanted
    opened = ImageCms.ImageCmsProfile(BytesIO(profile))
    assert ImageCms.getProfileDescription(opened).strip() == "Display P3"


def tag(profile: bytes, wanted: str) -> np.ndarray:
    """A tag's numbers, in units of its last place."""
    for at in range(132, 132 + 12 * int.from_bytes(profile[128:132]), 12):
        name, start, size = struct.unpack_from(">4sLL", profile, at)
        if name == wanted.encode():
            return np.frombuffer(profile[start : start + size], ">i4").astype(int)
    raise AssertionError(wanted)


@pytest.mark.parametrize("mode", ["RGB", "gray", "RGBA"])
def test_16_bits_stay_16(zoom: ZoomPage, photos: Photos, tmp_path: Path, mode: str) -> None:
    """As `splitsr upscale` has them, and not 8 bits spread over 16."""
    path = tmp_path / "deep.png"
    make_deep(path, photos.cat, mode)
    zoom.open(path)["#upscale-all"].click()
    expect(zoom["#save-losses"]).not_to_contain_text("8 bits")
    zoom["#format-picker input[value=jpeg]"].check(force=True)
    expect(zoom["#save-losses"]).to_contain_text("8 bits")
    zoom["#save-close"].click()
    (tmp_path / "result.png").write_bytes(zoom.start_upscaling().download()[1])
    found = read_photo(tmp_path / "result.png")
    expected = Upscaler(MODEL).enlarge(read_photo(path))
    assert found.color.dtype == np.uint16
    assert found.color.shape == expected.color.shape
    assert np.abs(found.color.astype(int) - expected.color).max() <= 80  # a third of an 8-bit level
    assert len(np.unique(found.color)) > 1000
    if expected.alpha is not None:
        assert found.alpha is not None
        assert np.abs(found.alpha.astype(int) - expected.alpha).max() <= 1


@pytest.mark.parametrize("suffix", ["png", "webp"])
def test_a_photo_is_turned_as_it_asks(zoom: ZoomPage, tmp_path: Path, suffix: str) -> None:
    """From the right, from below, and on its side; browsers do not all turn these formats."""
    path = tmp_path / f"photo.{suffix}"
    levels = np.random.default_rng(0).integers(0, 65536, (20, 30, 3), np.uint16)
    for orientation in (2, 4, 6, 8):
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = orientation
        if suffix == "png":  # of 16 bits
            write_photo(Photo(levels), path, overwrite=True)
            put_exif(path, exif.tobytes().removeprefix(b"Exif\0\0"))
        else:
            pixels = Image.fromarray((levels >> 8).astype(np.uint8))
            pixels.save(path, lossless=True, exif=exif)
        (tmp_path / "result.png").write_bytes(zoom.open(path).start_upscaling().download()[1])
        zoom["#save-close"].click()
        found = read_photo(tmp_path / "result.png")
        expected = Upscaler(MODEL).enlarge(read_photo(path)).color
        assert found.color.shape == expected.shape
        # A third of an 8-bit level, or one whole.
        difference = np.abs(found.color.astype(int) - expected).max()
        assert difference <= (80 if suffix == "png" else 1), orientation


def put_exif(path: Path, block: bytes) -> None:
    """Puts a chunk behind a PNG's header, as Pillow would for 8 bits."""
    png = path.read_bytes()
    content = b"eXIf" + block
    chunk = struct.pack(">L", len(block)) + content + struct.pack(">L", zlib.crc32(content))
    path.write_bytes(png[:33] + chunk + png[33:])


def make_deep(path: Path, source: Path, mode: str) -> None:
    """A photo with steps between its levels, as 16-bit PNG with or without alpha or colour."""
    levels = np.asarray(Image.open(source).convert("RGB"))[60:140, 100:220].astype(np.uint16)
    colour = levels * 256 + np.random.default_rng(0).integers(0, 256, levels.shape, np.uint16)
    ramp = np.linspace(0, 65535, 80 * 120).reshape(80, 120).astype(np.uint16)
    alpha = ramp if mode == "RGBA" else None
    write_photo(Photo(colour[..., :1] if mode == "gray" else colour, alpha), path)


def make_clear(path: Path, source: Path) -> np.ndarray:
    """A disc cut out of a photo, with a soft edge; black is stored where nothing is seen."""
    colour = np.asarray(Image.open(source).convert("RGB"))[60:140, 100:220]
    y, x = np.mgrid[:80, :120]
    alpha = np.clip(36 - np.hypot(y - 40, x - 60), 0, 2) / 2 * 255
    pixels = np.dstack([np.where(alpha[..., None] > 0, colour, 0), alpha]).astype(np.uint8)
    Image.fromarray(pixels).save(path)
    return pixels


@pytest.mark.parametrize("target", ["png", "webp"])
def test_transparency_is_kept_as_the_command_does(
    zoom: ZoomPage, photos: Photos, tmp_path: Path, target: str
) -> None:
    pixels = make_clear(tmp_path / "clear.png", photos.cat)
    zoom.open(tmp_path / "clear.png").start_upscaling(target)
    found = np.asarray(Image.open(BytesIO(zoom.download()[1]))).astype(int)
    expected = Upscaler(MODEL)(pixels).astype(int)
    assert found.shape == (160, 240, 4)
    assert np.abs(found[..., 3] - expected[..., 3]).max() <= 1
    # As far as it is seen: a canvas has no fine colours where it is nearly transparent.
    seen = np.abs(found - expected)[..., :3] * expected[..., 3:] / 255
    assert seen.max() <= 3 if target == "png" else seen.mean() < 4


@pytest.mark.parametrize(("target", "keep"), [("png", False), ("jpeg", True)])
def test_transparency_becomes_white(
    zoom: ZoomPage, photos: Photos, tmp_path: Path, target: str, keep: bool
) -> None:
    make_clear(tmp_path / "clear.png", photos.cat)
    zoom.open(tmp_path / "clear.png")["#upscale-all"].click()
    zoom["#keep-transparency"].set_checked(keep)
    zoom[f"#format-picker input[value={target}]"].check(force=True)
    expect(zoom["#save-losses"]).to_contain_text("white")
    expect(zoom["#keep-transparency"]).not_to_be_checked()
    zoom["#upscale-start"].click()
    with Image.open(BytesIO(zoom.download()[1])) as image:
        assert image.mode == "RGB"
        assert np.asarray(image)[0, 0].min() > 250


def test_a_queue_keeps_it_too_at_a_size_in_pixels(
    zoom: ZoomPage, photos: Photos, tmp_path: Path
) -> None:
    """16 bits that are shrunk as the command shrinks them; and a JPEG's EXIF, without its place."""
    make_deep(tmp_path / "deep.png", photos.cat, "RGB")
    plain = Image.new("RGB", (60, 90), "green")
    plain.save(tmp_path / "plain.jpg", exif=b"Exif\0\0" + make_exif())
    zoom["#file-input"].set_input_files([tmp_path / "deep.png", tmp_path / "plain.jpg"])
    zoom["#queue-dialog [data-choice=size] input[value=px]"].check(force=True)
    zoom["#queue-dialog .side-field input"].fill("150")
    expect(zoom["#keep-details"]).to_be_checked()
    expect(zoom["#keep-place"]).not_to_be_checked()
    zoom["#queue-start"].click()
    contents = [take(zoom, number) for number in (1, 2)]
    (tmp_path / "result.png").write_bytes(contents[0])
    found = read_photo(tmp_path / "result.png").color
    expected = Upscaler(MODEL).enlarge(read_photo(tmp_path / "deep.png"), scale=150 / 120).color
    assert found.shape == (100, 150, 3)
    assert found.dtype == np.uint16
    assert np.abs(found.astype(int) - expected).max() <= 80
    exif = exif_of(contents[1])
    assert exif[ExifTags.Base.Make] == "Foo"
    assert exif.get_ifd(ExifTags.IFD.GPSInfo) == {}
    assert exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ExifImageWidth] == 150


def take(zoom: ZoomPage, number: int) -> bytes:
    """The result of one of the queue's photos."""
    link = zoom[f"#queue-list li[data-state=done]:nth-child({number}) a"]
    link.wait_for()
    with zoom.page.expect_download() as waiting:
        link.click()
    return Path(waiting.value.path()).read_bytes()
