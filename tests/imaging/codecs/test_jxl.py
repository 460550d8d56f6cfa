"""JPEG XL is read and written with what it says besides its pixels."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from splitsr.errors import ImageReadError, ImageTooLargeError, ImageWriteError
from splitsr.imaging.degradation import Compression
from splitsr.imaging.files import Metadata, Photo, read_photo, write_photo
from splitsr.imaging.metadata.icc import cicp_profile, gamma_profile

pillow_jxl = pytest.importorskip("pillow_jxl")
brotli = pytest.importorskip("brotli")

XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a b="1"/></x:xmpmeta>'
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
P3 = cicp_profile(12, 13, gray=False)


def exif_of(orientation: int) -> bytes:
    block = Image.Exif()
    block[0x0112], block[0x010F] = orientation, "Maker"
    return block.tobytes().removeprefix(b"Exif\0\0")


def written(photo: Photo, quality: int | None = None) -> bytes:
    stream = io.BytesIO()
    write_photo(photo, stream, format="jxl", quality=quality)
    return stream.getvalue()


def box(kind: bytes, content: bytes) -> bytes:
    return (8 + len(content)).to_bytes(4) + kind + content


def contained(codestream: bytes, *boxes: bytes) -> bytes:
    head = box(b"JXL ", b"\r\n\x87\n") + box(b"ftyp", b"jxl \0\0\0\0jxl ")
    return head + b"".join(boxes) + box(b"jxlc", codestream)


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
def test_round_trip(channels: int, alpha: bool, photo: np.ndarray) -> None:
    color = np.ascontiguousarray(photo[:90, :131, :channels])
    image = Photo(color, photo[:90, :131, 1].copy() if alpha else None)
    same = read_photo(written(image, 100))
    assert same.format == "JXL"
    np.testing.assert_array_equal(same.color, color)
    assert (same.alpha is None) == (not alpha)
    if image.alpha is not None:
        np.testing.assert_array_equal(same.alpha, image.alpha)
    near = read_photo(written(image))
    assert near.color.shape == color.shape
    assert 0 < np.abs(near.color.astype(int) - color).mean() < 3
    assert len(written(image, 30)) < len(written(image)) < len(written(image, 100))


def test_metadata_is_kept(photo: np.ndarray) -> None:
    about = Metadata(exif=exif_of(1), xmp=XMP, icc_profile=SRGB)
    data = written(Photo(photo[:90, :120], None, about))
    assert b"Exif\0\0\0\0" + exif_of(1)[:4] in data  # the offset that ISO/IEC 18181-2 asks for
    back = read_photo(data).metadata
    assert (back.exif, back.xmp) == (exif_of(1), XMP)
    written(Photo(photo[:90, :120], None, back))  # with the profile that libjxl gives for sRGB


def test_compressed_boxes_and_a_void_orientation(photo: np.ndarray) -> None:
    codestream = written(Photo(photo[:90, :120]))
    exif = bytes(4) + exif_of(6)
    texts = [(b"Exif", exif), (b"xml ", bytes(1 << 25))]
    packed = [box(b"brob", kind + brotli.compress(text)) for kind, text in texts]
    found = read_photo(contained(codestream, *packed))
    assert found.color.shape == (90, 120, 3)  # the codestream says how it is turned, not EXIF
    assert found.metadata.exif == exif_of(1)
    assert found.metadata.xmp is None  # 32 MiB of zeros


def test_a_jpeg_in_a_jpeg_xl_is_that_jpeg(photo: np.ndarray) -> None:
    stream = io.BytesIO()
    Image.fromarray(photo[:90, :120]).save(stream, "JPEG", quality=75, exif=exif_of(6))
    jpeg = stream.getvalue()
    data = pillow_jxl.Encoder("RGB", lossless=True)(jpeg, 120, 90, jpeg_encode=True)
    found, expected = read_photo(data), read_photo(jpeg)
    assert found.format == "JXL"
    assert found.compression == Compression("JPEG", 75)
    assert found.metadata.exif == expected.metadata.exif
    np.testing.assert_array_equal(found.color, expected.color)


@pytest.mark.parametrize("profile", [P3, gamma_profile(100_000, None, gray=True), b"none"])
def test_other_colours_are_refused(profile: bytes) -> None:
    gray = profile[16:20] == b"GRAY"
    color = np.zeros((8, 8, 1 if gray else 3), np.uint8)
    with pytest.raises(ImageWriteError, match=r"sRGB alone.*write PNG"):
        written(Photo(color, None, Metadata(icc_profile=profile)))


def test_size_is_checked_before_decoding() -> None:
    for height, width in ((1000, 1000), (1024, 256), (72, 8), (300, 40_000)):
        bits = [(0, 1), *side(height), (0, 3), *side(width)]
        head = b"\xff\x0a" + packed_bits(bits)
        with pytest.raises(ImageTooLargeError, match=f"{width}x{height} "):
            read_photo(head + bytes(40), max_pixels=500)
    for bits, size in (
        ([(0, 1), *side(720), (3, 3)], "960x720"),
        ([(1, 1), (8, 5), (1, 3)], "72x72"),
    ):
        with pytest.raises(ImageTooLargeError, match=f"{size} "):
            read_photo(b"\xff\x0a" + packed_bits(bits) + bytes(40), max_pixels=9)


def side(length: int) -> list[tuple[int, int]]:
    bits = next(bits for bits in (9, 13, 18, 30) if length <= 1 << bits)
    return [((9, 13, 18, 30).index(bits), 2), (length - 1, bits)]


def packed_bits(fields: list[tuple[int, int]]) -> bytes:
    number = at = 0
    for value, count in fields:
        number |= value << at
        at += count
    return number.to_bytes((at + 7) // 8, "little")


def test_animations_are_refused() -> None:
    # Not all defaults, extra fields: upright, no other size, no preview, an animation.
    head = [(1, 1), (1, 5), (1, 3), (0, 1), (1, 1), (0, 3), (0, 1), (0, 1), (1, 1)]
    with pytest.raises(Exception, match="an animation"):
        read_photo(b"\xff\x0a" + packed_bits(head) + bytes(40))


def test_damage_is_one_line(photo: np.ndarray) -> None:
    data = written(Photo(photo[:90, :120]))
    for length in (3, 10, len(data) // 2, len(data) - 1):
        with pytest.raises(ImageReadError, match=r"^image data: the JPEG XL [a-z ]+$"):
            read_photo(data[:length])
