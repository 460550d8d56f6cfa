"""Files that are written and read by rows are those that would be written and read whole."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from splitsr.errors import ImageReadError, ImageTooLargeError
from splitsr.imaging.codecs import jpeg
from splitsr.imaging.files import Photo, PhotoRows, open_photo, read_photo, write_photo
from splitsr.imaging.metadata.metadata import Metadata
from splitsr.imaging.rows import Rows
from tests.imaging.test_rows import in_bands


def save(photo: Photo | PhotoRows, fmt: str, **options: int) -> bytes:
    stream = io.BytesIO()
    write_photo(photo, stream, format=fmt, **options)  # type: ignore[arg-type]
    return stream.getvalue()


def decoded(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


@pytest.mark.parametrize("gray", [False, True])
@pytest.mark.parametrize("strip_bytes", [1, 12_000, 1 << 21])
def test_a_jpeg_in_strips_has_the_pixels_of_one_piece(
    photo: np.ndarray, monkeypatch: pytest.MonkeyPatch, gray: bool, strip_bytes: int
) -> None:
    pixels = photo[:203, :157, :1] if gray else photo[:203, :157]
    monkeypatch.setattr(jpeg, "_STRIP_BYTES", strip_bytes)
    metadata = Metadata(dpi=(300, 300), comment=b"strips", xmp=b"<x:xmpmeta/>")
    rows = PhotoRows(in_bands(np.ascontiguousarray(pixels), [5, 40]), None, metadata, "JPEG")

    data = save(rows, "jpeg", quality=83)

    whole = io.BytesIO()
    image = Image.fromarray(pixels[:, :, 0] if gray else pixels)
    image.save(whole, "JPEG", quality=83, subsampling="4:4:4")
    np.testing.assert_array_equal(decoded(data), decoded(whole.getvalue()))
    assert (b"\xff\xdd\x00\x04" in data) == (strip_bytes < 1 << 21)  # restarts are announced
    kept = read_photo(data)  # which also walks the markers to the end
    assert (kept.metadata.dpi, kept.metadata.comment) == ((300, 300), b"strips")
    assert kept.metadata.xmp == b"<x:xmpmeta/>"


def test_a_wide_jpeg_keeps_to_the_longest_restart_interval() -> None:
    ramp = np.tile(np.arange(65_500, dtype=np.uint16) // 257, (90, 1)).astype(np.uint8)
    data = save(Photo(ramp[:, :, None]), "jpeg", quality=90)

    interval = int.from_bytes(data[data.index(b"\xff\xdd") + 4 :][:2])
    assert interval % 8188 == 0
    assert np.abs(decoded(data).astype(int) - ramp).max() < 8


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("fmt", ["png", "tiff", "webp"])
def test_bands_make_no_difference(dtype: type, channels: int, alpha: bool, fmt: str) -> None:
    rng = np.random.default_rng(9)
    top = np.iinfo(dtype).max
    color = rng.integers(0, top, (67, 31, channels)).astype(dtype)
    over = rng.integers(0, top, (67, 31)).astype(dtype) if alpha else None
    beside = None if over is None else in_bands(over[:, :, None], [3, 20])

    whole = read_photo(save(Photo(color, over), fmt))
    pieces = read_photo(save(PhotoRows(in_bands(color, [1, 17]), beside, Metadata(), "PNG"), fmt))

    np.testing.assert_array_equal(pieces.color, whole.color)
    assert (pieces.alpha is None) == (whole.alpha is None) == (over is None)
    if over is not None:
        np.testing.assert_array_equal(pieces.alpha, whole.alpha)


@pytest.mark.parametrize(
    "options",
    [
        {"compression": None},
        {"compression": "tiff_lzw"},
        {"compression": "tiff_adobe_deflate"},
        {"compression": "packbits"},
        {"compression": "tiff_lzw", "tiffinfo": {317: 2}},
    ],
    ids=str,
)
@pytest.mark.parametrize("gray", [False, True])
def test_a_tiff_in_strips_is_read_as_it_is_asked_for(
    tmp_path: Path, photo: np.ndarray, options: dict[str, object], gray: bool
) -> None:
    image = Image.fromarray(photo).resize((1300, 1200))
    path = tmp_path / "photo.tif"
    (image.convert("L") if gray else image).save(path, dpi=(200, 200), **options)

    rows = open_photo(path)

    whole = read_photo(path)
    assert isinstance(rows, PhotoRows)
    assert rows.metadata == whole.metadata
    assert rows.metadata.dpi == (200, 200)
    bands = list(rows.color.bands)
    assert len(bands) > 1 or gray  # 1.6 MB are one step
    np.testing.assert_array_equal(np.concatenate(bands), whole.color)


# Pillow reads no BigTIFF of the other byte order.
@pytest.mark.parametrize(("order", "big"), [("<", False), (">", False), ("<", True)])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_byte_order_and_depth(
    tmp_path: Path, order: str, big: bool, channels: int, dtype: type
) -> None:
    pixels = np.random.default_rng(4).integers(0, np.iinfo(dtype).max, (50, 40, channels))
    path = tmp_path / "photo.tif"
    tifffile.imwrite(
        path,
        pixels.astype(dtype).squeeze(),
        byteorder=order,
        bigtiff=big,
        rowsperstrip=7,
        photometric="rgb" if channels == 3 else "minisblack",
    )

    rows = open_photo(path)

    assert isinstance(rows, PhotoRows)
    assert rows.color.dtype == dtype
    np.testing.assert_array_equal(rows.color.gather(), pixels.astype(dtype))


@pytest.mark.parametrize("kind", ["RGBA", "P", "CMYK", "1", "turned", "jpeg", "one strip", "png"])
def test_others_are_read_whole(tmp_path: Path, photo: np.ndarray, kind: str) -> None:
    path = tmp_path / ("photo.png" if kind == "png" else "photo.tif")
    mode = kind if kind in ("RGBA", "P", "CMYK", "1") else "RGB"
    options: dict[str, object] = {}
    if kind == "turned":
        options["tiffinfo"] = {274: 6}
    if kind == "jpeg":
        options["compression"] = "jpeg"
    if kind == "one strip":
        options["compression"] = "tiff_lzw"
    size = (20, 20) if kind == "one strip" else (400, 300)
    Image.fromarray(photo).convert(mode).resize(size).save(path, **options)

    found = open_photo(path)

    assert isinstance(found, Photo)
    np.testing.assert_array_equal(found.color, read_photo(path).color)


def test_damage_shows_when_its_rows_come(tmp_path: Path, photo: np.ndarray) -> None:
    path = tmp_path / "photo.tif"
    tifffile.imwrite(path, photo, rowsperstrip=16, photometric="rgb")
    content = bytearray(path.read_bytes())
    path.write_bytes(content[:-5000])
    rows = open_photo(path)

    assert isinstance(rows, PhotoRows)
    with pytest.raises(ImageReadError, match=f"{path}: the TIFF is truncated"):
        rows.color.gather()
    assert (tmp_path / "photo.tif").exists()
    with pytest.raises(ImageReadError):
        write_photo(open_photo(path), tmp_path / "out.png")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["photo.tif"]


def test_the_limit_holds_for_rows_too(tmp_path: Path, photo: np.ndarray) -> None:
    path = tmp_path / "photo.tif"
    tifffile.imwrite(path, photo, rowsperstrip=16, photometric="rgb")
    with pytest.raises(ImageTooLargeError, match="512x512"):
        open_photo(path, max_pixels=1000)


def test_rows_of_an_array_are_the_array() -> None:
    pixels = np.zeros((3, 4, 1), np.uint8)
    assert Rows.of(pixels).gather().shape == (3, 4, 1)
