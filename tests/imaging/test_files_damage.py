"""Damaged, fake and missing files: one clear line, and never half a picture."""

from __future__ import annotations

import io
import random
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from splitsr.errors import ImageError, ImageReadError
from splitsr.imaging.files import Photo, read_photo, write_photo

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "test"


def real_file(name: str) -> bytes:
    path = SHARED / name
    if not path.is_file():
        pytest.skip(f"the shared test images are not here: {name}")
    return path.read_bytes()


def encoded(format_name: str, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(skimage.data.chelsea()[:90, :120]).save(stream, format_name, **options)
    return stream.getvalue()


def cuts(size: int, count: int) -> list[int]:
    rng = random.Random(size)
    ends = [1, 2, 3, 4, 7, 8, 9, 16, 31, 32, 33, 34, 40, *(size - n for n in range(1, 30))]
    return sorted({*ends, *(rng.randrange(1, size) for _ in range(count))})


def assert_refused(data: bytes) -> None:
    with pytest.raises(ImageReadError) as caught:
        read_photo(data)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("image data: ")


@pytest.mark.parametrize("name", ["B100/HR/101085.jpg", "Set5/HR/baby.png", "Set5/HR/woman.png"])
def test_truncated_real_files_are_refused(name: str) -> None:
    data = real_file(name)
    assert read_photo(data).color.ndim == 3
    for cut in cuts(len(data), 40):
        assert_refused(data[:cut])


@pytest.mark.parametrize(
    ("format_name", "options"),
    [
        ("JPEG", {"quality": 90}),
        ("JPEG", {"progressive": True}),
        ("JPEG", {"exif": b"Exif\0\0II*\0" + b"\xff\xd9" * 40}),  # end markers in its header
        ("PNG", {}),
        ("PNG", {"bits": 8}),
    ],
)
def test_truncated_anywhere_is_refused(format_name: str, options: dict[str, object]) -> None:
    data = encoded(format_name, **options)
    for cut in cuts(len(data), 150):
        assert_refused(data[:cut])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("format_name", ["PNG", "TIFF"])
def test_truncated_files_of_our_own_are_refused(format_name: str, dtype: type) -> None:
    stream = io.BytesIO()
    color = skimage.data.chelsea()[:90, :120].astype(dtype)
    write_photo(Photo(color), stream, format=format_name)
    data = stream.getvalue()
    # TIFF pads nothing behind its last strip; a cut in the strip's checksum loses no pixel.
    tail = 30 if format_name == "TIFF" else 0
    for cut in (cut for cut in cuts(len(data), 60) if cut <= len(data) - tail):
        assert_refused(data[:cut])


@pytest.mark.parametrize("format_name", ["WEBP", "TIFF", "AVIF", "BMP", "PPM"])
def test_other_truncated_formats_are_refused(format_name: str) -> None:
    data = encoded(format_name)
    for cut in cuts(len(data) - 30, 30):
        assert_refused(data[:cut])


def hand_made_png(pixels: np.ndarray, *, interlaced: bool, height: int) -> bytes:
    """A PNG of 8-bit gray that says another height than its pixels have."""
    adam7 = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2)]
    parts = [pixels]
    if interlaced:
        parts = [pixels[y::dy, x::dx] for y, x, dy, dx in [*adam7, (1, 0, 2, 1)]]
    rows = b"".join(b"\0" + row.tobytes() for part in parts if part.size for row in part)
    header = struct.pack(">LLBBBBB", pixels.shape[1], height, 8, 0, 0, 0, interlaced)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">L", len(body)) + kind + body + struct.pack(">L", zlib.crc32(kind + body))
        for kind, body in chunks
    )


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("width", [1, 2, 5, 8, 9, 21])
def test_a_png_taller_than_its_data_is_refused(interlaced: bool, width: int) -> None:
    for height in range(1, 20):
        pixels = np.random.default_rng(height).integers(1, 256, (height, width), dtype=np.uint8)
        whole = hand_made_png(pixels, interlaced=interlaced, height=height)
        np.testing.assert_array_equal(read_photo(whole).color[:, :, 0], pixels)
        with pytest.raises(ImageReadError, match="PNG is truncated"):
            read_photo(hand_made_png(pixels, interlaced=interlaced, height=height + 1))


def test_rest_of_a_jpeg_filled_with_zeros_is_refused() -> None:
    # A download that reserved its space and broke off.
    data = encoded("JPEG")
    half = len(data) // 2
    assert_refused(data[:half] + bytes(len(data) - half))


def test_flipped_bits_of_png_pixels_are_noticed() -> None:
    data = bytearray(encoded("PNG"))
    rng = random.Random(5)
    start = data.index(b"IDAT") + 4
    for _ in range(60):
        position = rng.randrange(start, len(data) - 16)
        data[position] ^= 1 << rng.randrange(8)
        assert_refused(bytes(data))
        data = bytearray(encoded("PNG"))


@pytest.mark.parametrize(
    "format_name", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF", "GIF", "BMP", "PPM"]
)
def test_noise_in_a_file_never_escapes_as_another_error(format_name: str) -> None:
    data = encoded(format_name)
    rng = random.Random(11)
    for _ in range(60):
        broken = bytearray(data)
        for _ in range(rng.randrange(1, 12)):
            broken[rng.randrange(len(broken))] = rng.randrange(256)
        try:
            read_photo(bytes(broken), max_pixels=10_000_000)
        except ImageError as error:
            assert "\n" not in str(error)  # noqa: PT017 - not every broken file fails


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tiff", ".webp"])
def test_text_under_an_image_name(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"photo{suffix}"
    path.write_text("This is not a picture.\n")
    with pytest.raises(ImageReadError, match=rf"photo\{suffix}: not an image.*This is"):
        read_photo(path)


@pytest.mark.parametrize("magic", [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"II*\0", b"BM"])
def test_magic_alone(magic: bytes) -> None:
    assert_refused(magic)
    assert_refused(magic + b"text that follows the magic bytes of a real image" * 3)


def test_missing_folder_empty_unreadable(tmp_path: Path) -> None:
    with pytest.raises(ImageReadError, match=r"no\.png: no such file"):
        read_photo(tmp_path / "no.png")
    with pytest.raises(ImageReadError, match="is a folder"):
        read_photo(tmp_path)
    empty = tmp_path / "empty.png"
    empty.touch()
    with pytest.raises(ImageReadError, match=r"empty\.png.*empty \(0 bytes\)"):
        read_photo(empty)
    with pytest.raises(ImageReadError, match="cannot be read"):
        read_photo(empty / "below.png")
    with pytest.raises(ImageReadError, match=r"image data.*empty"):
        read_photo(b"")
