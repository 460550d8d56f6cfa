"""Writing: pixels, depths and metadata survive in every format as far as it has a place."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from PIL import Image, ImageCms, PngImagePlugin

from splitsr.errors import ImageWriteError
from splitsr.imaging.arrays import flatten, to_uint8
from splitsr.imaging.codecs import png, tiff
from splitsr.imaging.codecs.png_chunks import text_chunk, text_of
from splitsr.imaging.files import (
    Metadata,
    Photo,
    check_writable,
    format_for,
    read_photo,
    suffix_for,
    write_photo,
)
from tests.imaging.carried import BUILT_IN

XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a b="1"/></x:xmpmeta>'


def written(photo: Photo, format_name: str, quality: int | None = None) -> bytes:
    stream = io.BytesIO()
    write_photo(photo, stream, format=format_name, quality=quality)
    return stream.getvalue()


def real_photo(channels: int, dtype: type, *, alpha: bool) -> Photo:
    pixels = skimage.data.coffee()[100:200, 150:313]
    rgb = pixels.astype(dtype) * (257 if dtype is np.uint16 else 1)
    if dtype is np.uint16:  # low bytes of their own, as a camera has
        rgb ^= np.arange(rgb.size, dtype=np.uint16).reshape(rgb.shape) % 251
    color = rgb if channels == 3 else rgb[:, :, 1:2]
    return Photo(np.ascontiguousarray(color), rgb[:, :, 0].copy() if alpha else None)


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("format_name", ["PNG", "TIFF"])
def test_lossless_round_trip(format_name: str, channels: int, dtype: type, alpha: bool) -> None:
    photo = real_photo(channels, dtype, alpha=alpha)
    back = read_photo(written(photo, format_name))
    assert back.format == format_name
    assert back.color.dtype == dtype
    color = photo.color
    if format_name == "TIFF" and channels == 1 and dtype is np.uint16 and alpha:
        color = np.repeat(color, 3, axis=2)  # documented: no reader of ours for gray with alpha
    np.testing.assert_array_equal(back.color, color)
    if alpha:
        np.testing.assert_array_equal(back.alpha, photo.alpha)
    else:
        assert back.alpha is None


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("format_name", ["JPEG", "WEBP", "AVIF"])
def test_lossy_round_trip(format_name: str, channels: int, dtype: type, alpha: bool) -> None:
    photo = real_photo(channels, dtype, alpha=alpha)
    back = read_photo(written(photo, format_name))
    assert back.color.dtype == np.uint8
    expected = to_uint8(photo.color)
    if photo.alpha is not None and format_name == "JPEG":
        expected = to_uint8(flatten(photo.color, photo.alpha))
        assert back.alpha is None
    elif photo.alpha is not None:
        assert back.alpha is not None
        assert np.abs(back.alpha.astype(int) - to_uint8(photo.alpha)).mean() < 2
    else:
        assert back.alpha is None
    gray_kept = channels == 1 and format_name != "WEBP" and not (alpha and format_name == "AVIF")
    assert back.color.shape[2] == (1 if gray_kept else 3)
    if channels == 1 and not gray_kept:
        assert np.ptp(back.color.astype(int), axis=2).max() <= 2
    seen = np.ones(expected.shape[:2], bool) if back.alpha is None else back.alpha > 128
    error = np.abs(back.color.astype(int) - expected)[seen]
    assert error.mean() < 3


@given(
    hnp.arrays(
        st.sampled_from([np.uint8, np.uint16]),
        st.tuples(st.integers(1, 20), st.integers(1, 20), st.integers(1, 4)),
    ),
    st.sampled_from(["PNG", "TIFF"]),
)
@settings(max_examples=80, deadline=None)
def test_any_pixels_round_trip(pixels: NDArray[Any], format_name: str) -> None:
    split = pixels.shape[2] - 1 + pixels.shape[2] % 2
    alpha = pixels[:, :, split] if split < pixels.shape[2] else None
    back = read_photo(written(Photo(pixels[:, :, :split], alpha), format_name))
    channels = back.color.shape[2]
    np.testing.assert_array_equal(back.color[:, :, :split], pixels[:, :, :split])
    np.testing.assert_array_equal(
        back.color,
        np.repeat(back.color[:, :, :1], channels, axis=2) if split == 1 else pixels[:, :, :split],
    )
    if alpha is None:
        assert back.alpha is None
    else:
        np.testing.assert_array_equal(back.alpha, alpha)


@pytest.mark.parametrize("library", ["isal", "zlib"])
def test_png_of_several_bands_is_a_valid_zlib_stream(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert png.isal_zlib is not None
    if library == "zlib":
        monkeypatch.setattr(png, "isal_zlib", None)
    # 8 MB: several bands compressed side by side, with one checksum over all of them.
    rng = np.random.default_rng(3)
    color = rng.integers(0, 65536, (900, 1500, 3), dtype=np.uint16) & 0xFF0F
    data = written(Photo(color), "PNG")
    packed, at = b"", 8
    while at < len(data):  # chunk by chunk: the pixels are in several
        length, kind = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        packed += data[at + 8 : at + 8 + length] if kind == b"IDAT" else b""
        at += 12 + length
    rows = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(900, -1)
    assert np.all(rows[:, 0] == 2)
    restored = np.cumsum(rows[:, 1:], axis=0, dtype=np.uint8)  # the Up filter undone
    np.testing.assert_array_equal(restored.view(">u2").reshape(color.shape), color)
    np.testing.assert_array_equal(read_photo(data).color, color)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_tiff_is_read_by_another_reader(channels: int, dtype: type) -> None:
    photo = real_photo(3 if channels > 2 else 1, dtype, alpha=channels % 2 == 0)
    data = written(photo, "TIFF")
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages[0]
        assert page.bitspersample == 8 * np.dtype(dtype).itemsize
        assert page.predictor == 2
    with Image.open(io.BytesIO(data)) as image:
        image.verify()


def exif_block(byteorder: str) -> bytes:
    exif = Image.Exif()
    exif.endian = byteorder
    exif[0x010F], exif[0x0110], exif[0x0112] = "Maker", "Model 1", 6
    exif[0x013B] = "An Ärtist"
    sub = exif.get_ifd(0x8769)
    sub[0x9003], sub[0x829A], sub[0xA002], sub[0xA003] = "2024:05:06 07:08:09", 0.008, 163, 100
    sub[0x927C] = bytes(range(200))
    exif.get_ifd(0x8825)[1], exif.get_ifd(0x8825)[2] = "N", (47.0, 22.0, 1.5)
    return exif.tobytes()


def parsed(block: bytes | None) -> Image.Exif:
    assert block is not None
    exif = Image.Exif()
    exif.load(block)
    return exif


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("source_format", ["JPEG", "PNG", "WEBP", "AVIF"])
@pytest.mark.parametrize("format_name", BUILT_IN)
def test_exif_survives(format_name: str, source_format: str, byteorder: str) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (163, 100)).save(stream, source_format, exif=exif_block(byteorder))
    photo = read_photo(stream.getvalue())
    assert photo.color.shape == (163, 100, 3)
    enlarged = Photo(np.zeros((652, 400, 3), np.uint8), metadata=photo.metadata)
    exif = parsed(read_photo(written(enlarged, format_name)).metadata.exif)
    assert exif[0x010F] == "Maker"
    assert exif[0x0110] == "Model 1"
    assert exif.get(0x0112, 1) == 1
    sub = exif.get_ifd(0x8769)
    assert sub[0x9003] == "2024:05:06 07:08:09"
    assert float(sub[0x829A]) == pytest.approx(0.008)
    assert sub[0x927C] == bytes(range(200))
    assert (sub[0xA002], sub[0xA003]) == (400, 652)
    gps = exif.get_ifd(0x8825)
    assert gps[1] == "N"
    assert [float(part) for part in gps[2]] == [47, 22, 1.5]


@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_exif_is_changed_in_place(byteorder: str) -> None:
    block = exif_block(byteorder)[6:]
    stream = io.BytesIO()
    Image.new("RGB", (163, 100)).save(stream, "JPEG", exif=exif_block(byteorder))
    kept = read_photo(stream.getvalue()).metadata.exif
    assert kept is not None
    assert len(kept) == len(block)
    different = [n for n in range(len(block)) if kept[n] != block[n]]
    assert len(different) == 1  # the one byte of the orientation that is not 0
    assert (block[different[0]], kept[different[0]]) == (6, 1)


# Pillow's warnings are fair ones for Python code to see.
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_broken_exif_costs_no_picture() -> None:
    for block in (b"Exif\0\0garbage", b"Exif\0\0II*\0\xff\xff\xff\x7f", exif_block("<")[:30]):
        stream = io.BytesIO()
        Image.new("RGB", (8, 8)).save(stream, "JPEG", exif=block)
        photo = read_photo(stream.getvalue())
        assert photo.color.shape == (8, 8, 3)
        assert photo.metadata.exif is None


def test_thumbnail_of_a_turned_picture_is_unlinked() -> None:
    # One directory with an orientation, and after it the offset of the thumbnail's directory.
    for orientation, link in ((6, 0), (1, 26)):
        entry = struct.pack("<HHLHH", 0x0112, 3, 1, orientation, 0)
        block = b"II*\0" + struct.pack("<LH", 8, 1) + entry + struct.pack("<LHL", 26, 0, 0)
        stream = io.BytesIO()
        Image.new("RGB", (8, 6)).save(stream, "JPEG", exif=b"Exif\0\0" + block)
        kept = read_photo(stream.getvalue()).metadata.exif
        assert kept is not None
        assert struct.unpack_from("<HHLHHL", kept, 10) == (0x0112, 3, 1, 1, 0, link)


def test_exif_that_imagemagick_wrote_as_text() -> None:
    block = exif_block("<")
    text = PngImagePlugin.PngInfo()
    text.add_text("Raw profile type exif", f"\nexif\n{len(block):8}\n{block.hex()}\n")
    stream = io.BytesIO()
    Image.new("RGB", (8, 6)).save(stream, "PNG", pnginfo=text)
    photo = read_photo(stream.getvalue())
    assert photo.color.shape == (8, 6, 3)
    assert parsed(photo.metadata.exif)[0x010F] == "Maker"
    assert parsed(photo.metadata.exif)[0x0112] == 1
    assert not photo.metadata.png_chunks


def test_exif_sizes_become_as_wide_as_they_need() -> None:
    entry = struct.pack("<HHLHH", 0x0100, 3, 1, 40, 0)
    block = b"II*\0" + struct.pack("<LH", 8, 1) + entry + bytes(4)
    photo = Photo(np.zeros((1, 70000, 3), np.uint8), metadata=Metadata(exif=block))
    wide = block[:10] + struct.pack("<HHLL", 0x0100, 4, 1, 70000) + bytes(4)
    assert read_photo(written(photo, "PNG")).metadata.exif == wide


def test_tiff_above_4_gib_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiff, "_MAX_FILE_BYTES", 2 << 20)
    noise = np.random.default_rng(2).integers(0, 256, (700, 700, 3), dtype=np.uint8)
    with pytest.raises(ImageWriteError, match="4 GiB"):
        written(Photo(noise), "TIFF")


def profile(space: str) -> bytes:
    if space == "RGB":
        return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    rgb = bytearray(profile("RGB"))
    rgb[16:20] = b"GRAY"
    return bytes(rgb)


@pytest.mark.parametrize("format_name", BUILT_IN)
def test_icc_xmp_dpi_comment_and_text(format_name: str) -> None:
    metadata = Metadata(
        icc_profile=profile("RGB"),
        xmp=XMP,
        dpi=(300.0, 150.0),
        comment="Grüße".encode(),
        png_chunks=(text_chunk(b"Title", "A title"), text_chunk(b"Author", "名前")),
    )
    photo = real_photo(3, np.uint8, alpha=False)
    got = read_photo(written(Photo(photo.color, None, metadata), format_name)).metadata
    assert got.icc_profile == metadata.icc_profile
    assert got.xmp == XMP
    if format_name in ("JPEG", "PNG", "TIFF"):
        assert got.dpi == pytest.approx((300, 150), rel=1e-3)
    if format_name == "JPEG":
        assert got.comment == "Grüße".encode()
    if format_name == "PNG":
        texts = dict(text_of(chunk) for chunk in got.png_chunks if chunk.kind != b"iCCP")
        assert {key.decode(): text.decode() for key, text in texts.items()} == {
            "Title": "A title",
            "Author": "名前",
            "Comment": "Grüße",
        }
        assert got.any_comment() == "Grüße".encode()
    if format_name == "TIFF":
        assert parsed(got.exif)[0x010E].encode("latin-1") == "Grüße".encode()


def test_16_bit_png_keeps_metadata_too() -> None:
    metadata = Metadata(
        exif_block("<")[6:], profile("RGB"), XMP, dpi=(72.0, 72.0), comment=b"hello"
    )
    photo = real_photo(3, np.uint16, alpha=True)
    got = read_photo(written(Photo(photo.color, photo.alpha, metadata), "PNG"))
    assert got.color.dtype == np.uint16
    assert got.metadata.icc_profile == metadata.icc_profile
    assert got.metadata.xmp == XMP
    assert got.metadata.any_comment() == b"hello"


def test_profile_of_another_colour_space_is_dropped() -> None:
    for mode, space, kept in (("L", "GRAY", 1), ("L", "RGB", 0), ("RGB", "GRAY", 0)):
        stream = io.BytesIO()
        Image.new(mode, (9, 9)).save(stream, "JPEG", icc_profile=profile(space))
        assert (read_photo(stream.getvalue()).metadata.icc_profile is not None) == bool(kept)


def test_xmp_orientation_is_reset() -> None:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:D tiff:Orientation="6" z="3"/></x:xmpmeta>'
    stream = io.BytesIO()
    Image.new("RGB", (30, 20)).save(stream, "JPEG", xmp=xmp)
    photo = read_photo(stream.getvalue())
    assert photo.color.shape == (30, 20, 3)
    assert photo.metadata.xmp == xmp.replace(b'"6"', b'"1"')


def test_metadata_too_long_for_a_jpeg_marker_is_left_out() -> None:
    metadata = Metadata(xmp=b"<x/>" * 20000, comment=b"c" * 70000, icc_profile=profile("RGB") * 150)
    got = read_photo(written(Photo(np.zeros((8, 8, 3), np.uint8), None, metadata), "JPEG"))
    assert got.metadata.xmp is None
    assert got.metadata.comment is None
    assert got.metadata.icc_profile == metadata.icc_profile  # split over several markers
    assert read_photo(written(Photo(got.color, None, metadata), "PNG")).metadata.xmp == metadata.xmp


def test_jpeg_of_transparency_is_over_white() -> None:
    color = np.zeros((16, 16, 3), np.uint8)
    alpha = np.zeros((16, 16), np.uint8)
    back = read_photo(written(Photo(color, alpha), "JPEG"))
    assert back.color.min() >= 253


@pytest.mark.parametrize("format_name", ["JPEG", "WEBP", "AVIF"])
def test_quality_is_obeyed(format_name: str) -> None:
    photo = real_photo(3, np.uint8, alpha=False)
    small, usual = written(photo, format_name, 30), written(photo, format_name)
    assert len(small) < len(usual) / 2
    for quality in (0, 101):
        with pytest.raises(ImageWriteError, match=f"found {quality}.*1 to 100"):
            written(photo, format_name, quality)


def test_jpeg_colour_is_not_subsampled() -> None:
    with Image.open(io.BytesIO(written(real_photo(3, np.uint8, alpha=False), "JPEG"))) as image:
        assert [layer[1:3] for layer in image.layer] == [(1, 1)] * 3


@pytest.mark.parametrize(
    ("format_name", "limit"), [("JPEG", 65500), ("WEBP", 16383), ("AVIF", 32768)]
)
def test_side_limits_are_the_encoders_own(format_name: str, limit: int) -> None:
    check_writable(format_name, 1, limit)
    for shape in ((limit, 1), (1, limit)):
        photo = Photo(np.zeros((*shape, 3), np.uint8))
        assert read_photo(written(photo, format_name)).color.shape[:2] == shape
    with pytest.raises(ImageWriteError, match=rf"{format_name}.*{limit}.*{limit + 1}x5"):
        check_writable(format_name, 5, limit + 1)
    with pytest.raises(ImageWriteError, match=str(limit)):
        written(Photo(np.zeros((limit + 1, 1, 3), np.uint8)), format_name)


def test_formats_by_name_and_suffix() -> None:
    assert [format_for(f"a.{end}") for end in ("png", "JPG", "jpeg", "webp", "tif", "avif")] == [
        "PNG",
        "JPEG",
        "JPEG",
        "WEBP",
        "TIFF",
        "AVIF",
    ]
    assert [suffix_for(name) for name in BUILT_IN] == [".png", ".jpg", ".webp", ".tif", ".avif"]
    for path in ("photo.bmp", "photo.xyz", "photo", Path("x.gif")):
        with pytest.raises(ImageWriteError, match=str(path)):
            format_for(path)
    with pytest.raises(ImageWriteError, match=r"'heic'.*PNG, JPEG"):
        check_writable("heic", 1, 1)


def test_default_format_of_a_stream() -> None:
    for own, expected in (("JPEG", "JPEG"), ("GIF", "PNG"), ("BMP", "PNG")):
        stream = io.BytesIO()
        write_photo(Photo(np.zeros((4, 4, 3), np.uint8), format=own), stream)
        assert read_photo(stream.getvalue()).format == expected
