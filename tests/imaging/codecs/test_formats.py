"""What is no image that splitsr reads is named."""

from __future__ import annotations

import io
import sys

import numpy as np
import pytest
from PIL import Image

from splitsr.errors import ImageReadError, ImageWriteError, UnsupportedImageError
from splitsr.imaging.codecs.formats import sniff
from splitsr.imaging.files import IMAGE_SUFFIXES, WRITABLE, check_writable, read_photo


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (b"II*\0\x10\0\0\0CR\x02\0", "camera raw"),
        (b"IIRO\x08\0\0\0", "camera raw"),
        (b"IIU\0\x18\0\0\0", "camera raw"),
        (b"FUJIFILMCCD-RAW 0201", "camera raw"),
        (b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom", "camera raw"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"8BPS\0\x01", "Photoshop"),
        (b"%PDF-1.7", "PDF"),
    ],
)
def test_known_kinds_are_named_with_what_to_do(head: bytes, reason: str) -> None:
    with pytest.raises(UnsupportedImageError, match=rf"^photo\.x: .*{reason}.*; "):
        sniff(head + bytes(50), "photo.x")


@pytest.mark.parametrize("major", [b"heic", b"mif1", b"heix"])
def test_heic_is_told_from_avif(major: bytes) -> None:
    assert sniff(b"\0\0\0\x1cftyp" + major + b"\0\0\0\0mif1heicmiaf", "x").name == "HEIC"
    assert sniff(b"\0\0\0\x1cftyp" + major + b"\0\0\0\0mif1avifmiaf", "x").name == "AVIF"
    assert ".heic" in IMAGE_SUFFIXES
    assert "HEIC" not in WRITABLE


def test_a_video_is_not_an_image() -> None:
    with pytest.raises(ImageReadError, match="not an image"):
        sniff(b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41", "film.jpg")


@pytest.mark.parametrize(
    ("package", "extra", "head"),
    [
        ("pillow_heif", "heif", b"\0\0\0\x1cftypheic\0\0\0\0mif1heicmiaf"),
        ("pillow_jxl", "jxl", b"\xff\x0a\xfa\x7f"),
        ("pillow_jxl", "jxl", b"\0\0\0\x0cJXL \r\n\x87\n"),
    ],
)
def test_without_its_package_a_format_says_how_to_read_it(
    package: str, extra: str, head: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "splitsr.imaging.codecs.jxl", raising=False)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UnsupportedImageError, match=rf"pip install 'splitsr\[{extra}\]'"):
        read_photo(head + bytes(100))


def test_without_its_package_jpeg_xl_is_refused_before_any_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "splitsr.imaging.codecs.jxl", raising=False)
    monkeypatch.setitem(sys.modules, "pillow_jxl", None)
    with pytest.raises(ImageWriteError, match=r"JXL .*pip install 'splitsr\[jxl\]'"):
        check_writable("jxl", 1, 1)


def test_heic_is_read_upright_with_what_it_says(photo: np.ndarray) -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    image = Image.fromarray(photo[:90, :120])
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Maker"
    stream = io.BytesIO()
    pillow_heif.from_pillow(image).save(stream, quality=95, exif=exif.tobytes())
    found = read_photo(stream.getvalue())
    assert found.format == "HEIC"
    assert found.color.shape == (120, 90, 3)
    turned = np.rot90(photo[:90, :120], -1).astype(int)
    assert np.abs(found.color - turned).mean() < 4
    kept = Image.Exif()
    kept.load(found.metadata.exif or b"")
    assert (kept.get(0x0112, 1), kept[0x010F]) == (1, "Maker")
    with pytest.raises(ImageReadError):
        read_photo(stream.getvalue()[:-2000])


@pytest.mark.parametrize("raw", ["BGR;16", "BGR;15"])
def test_bmp_of_16_bits_a_pixel(raw: str) -> None:
    # Red, green and blue of 5, 6 and 5 bits, or of 5 each, bottom row first.
    samples = (
        [0xF800, 0x07E0, 0x001F, 0xFFFF] if raw == "BGR;16" else [0x7C00, 0x03E0, 0x1F, 0x7FFF]
    )
    masks = b"".join(n.to_bytes(4, "little") for n in (0xF800, 0x07E0, 0x001F))
    masks = masks if raw == "BGR;16" else b""
    size = 54 + len(masks)
    head = b"BM" + (size + 8).to_bytes(4, "little") + bytes(4) + size.to_bytes(4, "little")
    numbers = (40, 2, 2, 1 | 16 << 16, 3 if masks else 0, 8, 0, 0, 0, 0)
    head += b"".join(n.to_bytes(4, "little") for n in numbers)
    data = head + masks + b"".join(n.to_bytes(2, "little") for n in samples)
    found = read_photo(data).color
    assert found.tolist() == np.asarray(Image.open(io.BytesIO(data))).tolist()
    assert found.tolist() == [[[0, 0, 255], [255] * 3], [[255, 0, 0], [0, 255, 0]]]
