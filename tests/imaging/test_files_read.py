"""Reading: every mode and depth becomes the right colour, alpha and bits."""

from __future__ import annotations

import io
import os
import struct
import threading
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.color
import skimage.data
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageCms

from splitsr.errors import ImageReadError, ImageTooLargeError, UnsupportedImageError
from splitsr.imaging import files
from splitsr.imaging.files import Photo, open_photo, pixels_of, read_photo

RNG = np.random.default_rng(7)


def encoded(image: Image.Image, format_name: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format_name, **options)
    return stream.getvalue()


def astronaut(height: int = 60, width: int = 83) -> NDArray[np.uint8]:
    return np.ascontiguousarray(skimage.data.astronaut()[:height, :width])


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">L", len(body)) + kind + body + struct.pack(">L", zlib.crc32(kind + body))


def hand_made_png(header: tuple[int, ...], rows: bytes, *extra: bytes) -> bytes:
    head = chunk(b"IHDR", struct.pack(">LLBBBBB", *header))
    body = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(extra) + body + chunk(b"IEND", b"")


def test_hand_made_16_bit_rgb_png() -> None:
    # Two rows of two pixels; the first unfiltered, the second filtered by Sub (6 bytes a pixel).
    first = b"\x00" + struct.pack(">6H", 0x0102, 0xFFFE, 0x8000, 1, 2, 3)
    second = b"\x01" + bytes([0x12, 0x34, 0, 1, 0, 2]) + bytes([0x01, 0xFF, 0, 0, 0, 0xFF])
    photo = read_photo(hand_made_png((2, 2, 16, 2, 0, 0, 0), first + second))
    assert photo.color.dtype == np.uint16
    assert photo.color.tolist() == [
        [[0x0102, 0xFFFE, 0x8000], [1, 2, 3]],
        # Sub adds byte by byte modulo 256: 0x12+0x01, 0x34+0xFF; 2 + 0xFF wraps to 1.
        [[0x1234, 1, 2], [0x1333, 1, 1]],
    ]
    assert photo.alpha is None


def test_hand_made_16_bit_gray_alpha_png() -> None:
    row = b"\x00" + struct.pack(">4H", 0x1234, 0xFFFF, 0xABCD, 0x0001)
    photo = read_photo(hand_made_png((2, 1, 16, 4, 0, 0, 0), row))
    assert photo.color.tolist() == [[[0x1234], [0xABCD]]]
    assert photo.alpha is not None
    assert photo.alpha.tolist() == [[0xFFFF, 1]]


def test_hand_made_16_bit_rgba_png_interlaced() -> None:
    # A single pixel is all in the first of Adam7's passes.
    row = b"\x00" + struct.pack(">4H", 300, 301, 65535, 256)
    photo = read_photo(hand_made_png((1, 1, 16, 6, 0, 0, 1), row))
    assert photo.color.tolist() == [[[300, 301, 65535]]]
    assert photo.alpha is not None
    assert photo.alpha.tolist() == [[256]]


def test_key_colour_of_16_bit_rgb_png() -> None:
    row = b"\x00" + struct.pack(">6H", 256, 2, 3, 257, 2, 3)
    key = chunk(b"tRNS", struct.pack(">3H", 257, 2, 3))
    photo = read_photo(hand_made_png((2, 1, 16, 2, 0, 0, 0), row, key))
    assert photo.alpha is not None
    assert photo.alpha.tolist() == [[65535, 0]]


@pytest.mark.parametrize(("bits", "key", "alpha"), [(2, 1, [255, 0, 255, 255])])
def test_key_level_of_2_bit_gray_png(bits: int, key: int, alpha: list[int]) -> None:
    png = hand_made_png(
        (4, 1, bits, 0, 0, 0, 0), b"\x00\x1b", chunk(b"tRNS", struct.pack(">H", key))
    )
    photo = read_photo(png)
    assert photo.color[:, :, 0].tolist() == [[0, 85, 170, 255]]
    assert photo.alpha is not None
    assert photo.alpha.tolist() == [alpha]


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("tile", [None, (16, 32)])
def test_16_bit_tiff_of_another_writer(
    byteorder: str, compression: str | None, channels: int, tile: tuple[int, int] | None
) -> None:
    pixels = RNG.integers(0, 65536, (45, 67, channels), dtype=np.uint16)
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream, byteorder=byteorder) as writer:  # type: ignore[arg-type]
        writer.write(
            pixels if channels > 1 else pixels[:, :, 0],
            photometric="rgb" if channels > 1 else "minisblack",
            compression=compression,
            tile=tile,
            extrasamples=["unassalpha"] if channels == 4 else None,
            metadata=None,
        )
    photo = read_photo(stream.getvalue())
    assert photo.color.dtype == np.uint16
    np.testing.assert_array_equal(photo.color, pixels[:, :, :3])
    if channels == 4:
        np.testing.assert_array_equal(photo.alpha, pixels[:, :, 3])
    else:
        assert photo.alpha is None


def test_premultiplied_16_bit_tiff_is_divided() -> None:
    pixels = np.array([[[1000, 2000, 3000, 32768], [500, 0, 9, 65535]]], np.uint16)
    stream = io.BytesIO()
    tifffile.imwrite(stream, pixels, photometric="rgb", extrasamples=["assocalpha"], metadata=None)
    photo = read_photo(stream.getvalue())
    assert photo.color.tolist() == [[[2000, 4000, 6000], [500, 0, 9]]]


def test_16_bit_tiff_with_white_zero_and_planar() -> None:
    stream = io.BytesIO()
    tifffile.imwrite(
        stream, np.array([[0, 1, 65535]], np.uint16), photometric="miniswhite", metadata=None
    )
    assert read_photo(stream.getvalue()).color.ravel().tolist() == [65535, 65534, 0]
    stream = io.BytesIO()
    planes = RNG.integers(0, 65536, (3, 20, 30), dtype=np.uint16)
    tifffile.imwrite(stream, planes, photometric="rgb", planarconfig="separate", metadata=None)
    with pytest.raises(UnsupportedImageError, match="interleaved"):
        read_photo(stream.getvalue())


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "1", "P", "I;16"])
def test_png_modes(mode: str) -> None:
    source = Image.fromarray(astronaut())
    if mode == "I;16":
        image = Image.fromarray(RNG.integers(0, 65536, (60, 83), dtype=np.uint16))
    elif mode in ("LA", "RGBA"):
        source.putalpha(Image.fromarray(astronaut()[:, :, 1]))
        image = source.convert(mode)
    else:
        image = source.convert(mode)
    photo = read_photo(encoded(image, "PNG"))
    channels = 1 if mode in ("L", "LA", "1", "I;16") else 3
    assert photo.color.shape == (60, 83, channels)
    assert photo.color.dtype == (np.uint16 if mode == "I;16" else np.uint8)
    assert (photo.alpha is not None) == mode.endswith("A")
    expected = np.asarray(image.convert("RGB") if mode == "P" else image)
    if mode == "1":
        expected = expected.astype(np.uint8) * 255
    got = photo.color if photo.alpha is None else np.dstack([photo.color, photo.alpha])
    np.testing.assert_array_equal(got.squeeze(), expected)


@pytest.mark.parametrize(
    ("format_name", "transparency"),
    [("PNG", 3), ("PNG", bytes(range(0, 250, 5))), ("GIF", 3)],
)
def test_palette_transparency(transparency: int | bytes, format_name: str) -> None:
    image = Image.fromarray(astronaut()).quantize(50)
    photo = read_photo(encoded(image, format_name, transparency=transparency))
    index = np.asarray(image)
    table = np.full(256, 255)
    if isinstance(transparency, int):
        table[transparency] = 0
    else:
        table[: len(transparency)] = list(transparency)
    assert photo.alpha is not None
    np.testing.assert_array_equal(photo.alpha, table[index])
    shown = photo.alpha > 0
    np.testing.assert_array_equal(photo.color[shown], np.asarray(image.convert("RGB"))[shown])


def test_cmyk_without_its_own_profile_is_inverted() -> None:
    cmyk = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    plain = read_photo(encoded(cmyk, "JPEG", quality=100))
    assert plain.color.shape == (16, 16, 3)
    assert np.abs(plain.color[0, 0].astype(int) - [0, 255, 255]).max() <= 2
    # A profile of another colour space cannot convert CMYK: it is ignored and dropped.
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    wrong = read_photo(encoded(cmyk, "JPEG", quality=100, icc_profile=srgb))
    np.testing.assert_array_equal(wrong.color, plain.color)


def cmyk_profile(corners: NDArray[np.uint8]) -> bytes:
    """Make an ICC profile from the Lab colours (16, 3) of all mixes of full inks (ICC.1, mft1)."""
    identity = bytes(range(256))
    matrix = struct.pack(">9l", *(65536 * (n % 4 == 0) for n in range(9)))
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + matrix
    table += identity * 4 + corners.tobytes() + identity * 3
    size = 128 + 4 + 12 + len(table)
    d50 = struct.pack(">3l", 0xF6D6, 0x10000, 0xD32D)
    header = struct.pack(">L4sL", size, b"test", 0x02400000) + b"prtrCMYKLab "
    header = header + bytes(12) + b"acsp" + bytes(28) + d50 + bytes(48)
    return header + struct.pack(">L4sLL", 1, b"A2B0", 144, len(table)) + table


@pytest.mark.parametrize("format_name", ["TIFF", "JPEG"])
def test_cmyk_goes_through_its_profile(format_name: str) -> None:
    # Any mix is white paper, L* 100, but full cyan alone, a gray of L* 60.
    corners = np.tile(np.array([255, 128, 128], np.uint8), (16, 1))
    corners[0b1111] = 0, 128, 128
    corners[0b1000] = 153, 128, 128
    profile = cmyk_profile(corners)
    assert len(profile) == int.from_bytes(profile[:4])
    cyan = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    photo = read_photo(encoded(cyan, format_name, icc_profile=profile))
    assert photo.metadata.icc_profile is None
    expected = skimage.color.lab2rgb([[[60.0, 0, 0]]])[0, 0] * 255
    assert np.abs(photo.color[0, 0] - expected).max() <= 3


@pytest.mark.parametrize("format_name", ["BMP", "PPM", "GIF", "WEBP", "TIFF"])
def test_other_formats(format_name: str) -> None:
    options = {"lossless": True} if format_name == "WEBP" else {}
    source = Image.fromarray(astronaut())
    image = source.convert("L") if format_name == "GIF" else source
    photo = read_photo(encoded(image, format_name, **options))
    assert photo.format == format_name
    expected = np.asarray(image)
    got = photo.color
    if format_name == "GIF" and got.shape[2] == 3:
        expected = np.repeat(expected[:, :, None], 3, axis=2)
    np.testing.assert_array_equal(got.squeeze(), expected)


def test_avif_and_jpeg_are_close() -> None:
    for format_name in ("AVIF", "JPEG"):
        photo = read_photo(encoded(Image.fromarray(astronaut()), format_name, quality=95))
        assert photo.format == format_name
        assert np.abs(photo.color.astype(int) - astronaut()).mean() < 3


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF"])
def test_orientation_is_applied_and_reset(orientation: int, format_name: str) -> None:
    upright = np.zeros((48, 32, 3), np.uint8)
    upright[:16, :16] = 255, 0, 0
    upright[:16, 16:] = 0, 255, 0
    undo = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: np.rot90(a, 1),  # stored turned left, shown turned right
        7: lambda a: a.swapaxes(0, 1)[::-1, ::-1],
        8: lambda a: np.rot90(a, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "Maker"
    stored = Image.fromarray(np.ascontiguousarray(undo(upright)))
    photo = read_photo(encoded(stored, format_name, exif=exif.tobytes(), quality=95))
    assert photo.color.shape == upright.shape
    assert np.abs(photo.color.astype(int) - upright).mean() < 12
    assert photo.metadata.exif is not None
    kept = Image.Exif()
    kept.load(photo.metadata.exif)
    assert kept.get(0x0112, 1) == 1
    assert kept[0x010F] == "Maker"


def test_16_bit_tiff_is_turned_too() -> None:
    pixels = RNG.integers(0, 65536, (5, 7, 3), dtype=np.uint16)
    stream = io.BytesIO()
    tifffile.imwrite(
        stream, pixels, photometric="rgb", extratags=[(274, 3, 1, 6, True)], metadata=None
    )
    np.testing.assert_array_equal(read_photo(stream.getvalue()).color, np.rot90(pixels, -1))


def test_one_frame_of_phone_pictures_with_an_extra_picture() -> None:
    # Phones append a depth or gain map as MPO; the first picture is the photo.
    first, second = Image.fromarray(astronaut()), Image.new("RGB", (40, 30))
    data = encoded(first, "MPO", save_all=True, append_images=[second], quality=95)
    photo = read_photo(data)
    assert photo.format == "JPEG"
    assert photo.color.shape == (60, 83, 3)


@pytest.mark.parametrize("format_name", ["PNG", "GIF", "WEBP", "TIFF", "AVIF"])
def test_animations_are_refused_with_their_frame_count(format_name: str) -> None:
    frames = [Image.fromarray(np.roll(astronaut(), 20 * n, axis=0)) for n in range(3)]
    data = encoded(frames[0], format_name, save_all=True, append_images=frames[1:])
    with pytest.raises(UnsupportedImageError, match="3 frames"):
        read_photo(data)


def test_kinds_that_are_refused() -> None:
    floats = encoded(Image.fromarray(np.float32([[0.5, 1]])), "TIFF")
    with pytest.raises(UnsupportedImageError, match="floating-point"):
        read_photo(floats)
    wide = encoded(Image.fromarray(np.int32([[5, 70000]])), "TIFF")
    with pytest.raises(UnsupportedImageError, match="70000"):
        read_photo(wide)
    lab = encoded(Image.new("LAB", (4, 4)), "TIFF")
    with pytest.raises(UnsupportedImageError, match="LAB"):
        read_photo(lab)


def test_32_bit_integers_of_16_bit_range_are_16_bit() -> None:
    photo = read_photo(encoded(Image.fromarray(np.int32([[5, 65535]])), "TIFF"))
    assert photo.color.dtype == np.uint16
    assert photo.color.ravel().tolist() == [5, 65535]


@pytest.mark.parametrize("format_name", ["PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "PPM"])
def test_size_limit_is_checked_before_decoding(format_name: str, tmp_path: Path) -> None:
    path = tmp_path / f"big.{format_name.lower()}"
    path.write_bytes(encoded(Image.fromarray(astronaut(50, 80)), format_name))
    assert read_photo(path, max_pixels=4000).color.shape[:2] == (50, 80)
    with pytest.raises(ImageTooLargeError, match=r"big.*80x50.*--max-pixels") as caught:
        read_photo(path, max_pixels=3999)
    assert "\n" not in str(caught.value)


def test_bomb_is_refused_by_its_header_alone() -> None:
    # 40 gigapixels in a few bytes: decoding would take 120 GB.
    bomb = hand_made_png((200_000, 200_000, 8, 2, 0, 0, 0), b"")
    with pytest.raises(ImageTooLargeError, match=r"40000\.0 megapixels"):
        read_photo(bomb)


@pytest.mark.parametrize("format_name", ["PNG", "TIFF"])
def test_pillow_limit_neither_warns_nor_refuses(
    format_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = encoded(Image.fromarray(astronaut()), format_name)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_photo(data).color.shape == (60, 83, 3)
    assert Image.MAX_IMAGE_PIXELS == 100


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 60000, 3), (60000, 1, 3)])
@pytest.mark.parametrize("format_name", ["PNG", "JPEG", "TIFF"])
def test_extreme_shapes(shape: tuple[int, ...], format_name: str) -> None:
    image = Image.fromarray(np.full(shape, 77, np.uint8))
    photo = read_photo(encoded(image, format_name))
    assert photo.color.shape == shape
    assert np.abs(photo.color.astype(int) - 77).max() <= 2


def test_sources(tmp_path: Path) -> None:
    data = encoded(Image.fromarray(astronaut()), "PNG")
    path = tmp_path / "wrong-name.jpg"
    path.write_bytes(data)
    with path.open("rb") as stream, path.open("rb") as pipe:
        pipe.seekable = lambda: False  # type: ignore[method-assign]
        sources = [path, str(path), data, stream, pipe, io.BytesIO(data)]
        for source in sources:
            photo = read_photo(source)
            assert photo.format == "PNG"
            np.testing.assert_array_equal(photo.color, astronaut())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
@pytest.mark.parametrize("read", [read_photo, open_photo])
@pytest.mark.parametrize("format_name", ["PNG", "TIFF"])
def test_a_pipe_is_read_once(
    tmp_path: Path, read: Callable[[Path], Photo], format_name: str
) -> None:
    path = tmp_path / "photo.png"
    os.mkfifo(path)
    data = encoded(Image.fromarray(astronaut()), format_name)
    writer = threading.Thread(target=path.write_bytes, args=(data,))
    assert pixels_of(path) is None  # and does not wait
    writer.start()
    np.testing.assert_array_equal(read(path).color, astronaut())
    writer.join()


def test_a_pipe_without_end_is_not_read_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    class Endless(io.RawIOBase):
        head = encoded(Image.fromarray(astronaut()), "PNG")

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            part, self.head = self.head[: len(buffer)], self.head[len(buffer) :]
            buffer[: len(part)] = part
            return len(part) or len(buffer)

    monkeypatch.setattr(files, "_MOST_PIPED_BYTES", 10 << 20)
    with pytest.raises(ImageReadError, match="give it as a file"):
        read_photo(io.BufferedReader(Endless()))
    if Path("/dev/zero").exists():
        with pytest.raises(ImageReadError, match="/dev/zero: not an image"):
            read_photo("/dev/zero")


def test_threads_read_side_by_side() -> None:
    pictures = [RNG.integers(0, 65536, (200, 300, 3), dtype=np.uint16) for _ in range(4)]
    streams = [io.BytesIO() for _ in pictures]
    for stream, picture in zip(streams, pictures, strict=True):
        tifffile.imwrite(stream, picture, photometric="rgb", metadata=None)
    wrong: list[int] = []

    def work(number: int) -> None:
        colors = [read_photo(streams[number].getvalue()).color for _ in range(5)]
        wrong.extend(number for color in colors if not np.array_equal(color, pictures[number]))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
