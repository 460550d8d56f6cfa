"""TIFFs of other programs: the right samples, or one line that says what is wrong."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from splitsr.errors import ImageReadError, UnsupportedImageError
from splitsr.imaging.files import Photo, PhotoRows, open_photo, read_photo

RNG = np.random.default_rng(3)
SHORT, LONG = 3, 4


def hand_made(
    size: tuple[int, int], strips: list[bytes], tags: dict[int, int | tuple[int, ...]]
) -> bytes:
    """A little-endian TIFF of uncompressed gray in the given strips."""
    height, width = size
    sizes = tuple(len(strip) for strip in strips)
    fields = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 277: 1, 279: sizes, 273: sizes}
    fields = {tag: value for tag, value in {**fields, **tags}.items() if value != ()}
    count = len(fields)
    place = 8 + 2 + 12 * count + 4
    lists = b""
    start = place + 4 * sum(len(v) for v in fields.values() if isinstance(v, tuple) and len(v) > 1)
    ends = np.cumsum([start, *sizes])[:-1]
    if 273 not in tags:
        fields[273] = tuple(int(end) for end in ends)
    entries = b""
    for tag, value in sorted(fields.items()):
        values = value if isinstance(value, tuple) else (value,)
        packed = struct.pack(f"<{len(values)}L", *values)
        if len(values) > 1:
            packed, lists = struct.pack("<L", place + len(lists)), lists + packed
        entries += struct.pack("<HHL", tag, LONG, len(values)) + packed
    head = b"II*\0" + struct.pack("<LH", 8, count)
    return head + entries + bytes(4) + lists + b"".join(strips)


def both_ways(data: bytes, tmp_path: Path) -> NDArray[np.generic]:
    """The colour of a file, equal whether it is read whole or by rows."""
    path = tmp_path / "photo.tif"
    path.write_bytes(data)
    whole = read_photo(data).color
    rows = open_photo(path)
    np.testing.assert_array_equal(
        rows.color if isinstance(rows, Photo) else rows.color.gather(), whole
    )
    return whole


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("width", [1, 3, 8, 13])
@pytest.mark.parametrize("rows", [1, 3, 7])
def test_gray_of_few_bits(tmp_path: Path, bits: int, width: int, rows: int) -> None:
    height, most = 7, 2**bits - 1
    samples = RNG.integers(0, most + 1, (height, width), dtype=np.uint8)
    planes = np.unpackbits(samples[:, :, None], axis=2)[:, :, 8 - bits :]
    packed = np.packbits(planes.reshape(height, -1), axis=1)
    strips = [packed[top : top + rows].tobytes() for top in range(0, height, rows)]
    data = hand_made((height, width), strips, {258: bits, 278: rows})
    np.testing.assert_array_equal(both_ways(data, tmp_path)[:, :, 0], samples * (255 // most))


@pytest.mark.parametrize("counted", ["right", "padded", "zero", "huge", "missing"])
@pytest.mark.parametrize("rows", [1500, 400])
def test_sizes_of_uncompressed_strips_do_not_move_rows(
    tmp_path: Path, counted: str, rows: int
) -> None:
    pixels = RNG.integers(0, 256, (1500, 3000), dtype=np.uint8)  # over 4 MiB
    strips = [pixels[top : top + rows].tobytes() for top in range(0, 1500, rows)]
    if counted == "padded":
        strips = [strip + b"\xaa" * 1501 for strip in strips]
    sizes = {
        "right": {},
        "padded": {},
        "zero": {279: (0,) * len(strips)},
        "huge": {279: (2**32 - 1,) * len(strips)},
        "missing": {279: ()},
    }[counted]
    data = hand_made((1500, 3000), strips, {278: rows, **sizes})
    np.testing.assert_array_equal(both_ways(data, tmp_path)[:, :, 0], pixels)


def test_more_strips_than_rows_are_not_laid_over_them() -> None:
    strips = [bytes([level] * 5) for level in range(6)]
    data = hand_made((4, 5), strips, {278: 1})
    assert read_photo(data).color[:, 0, 0].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("counted", ["zero", "huge"])
def test_sizes_of_compressed_strips_that_are_wrong(tmp_path: Path, counted: str) -> None:
    pixels = np.tile(np.arange(90, dtype=np.uint8), (60, 1))
    data = bytearray(_encoded(pixels, compression="zlib", rowsperstrip=20))
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        tag = file.pages[0].tags[279]  # type: ignore[union-attr]
        code = {SHORT: "H", LONG: "L"}[tag.dtype]
        wrong = 0 if counted == "zero" else 256 ** struct.calcsize(code) - 1
        struct.pack_into(f"<{tag.count}{code}", data, tag.valueoffset, *[wrong] * tag.count)
    try:
        found = both_ways(bytes(data), tmp_path)
    except ImageReadError:
        return  # libtiff has the last word; but there are no other pixels
    np.testing.assert_array_equal(found[:, :, 0], pixels)


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({257: 6000}, "it has 6 of its 6000 strips"),
        ({278: 0}, "have no size"),
        ({257: 60_000_000}, "strips"),
        ({273: (10**6,) * 6}, "truncated"),
        ({273: (2**32 - 1,) * 6}, "truncated"),
        ({273: ()}, "TIFF"),
        ({277: 0}, "gray"),
        ({277: 60_000}, "TIFF"),
        ({258: 0}, "0-bit gray"),
        ({256: 0}, "TIFF"),
        ({257: 0}, "TIFF"),
        ({284: 77}, "TIFF"),
    ],
    ids=str,
)
def test_strips_that_are_missing(
    tmp_path: Path, tags: dict[int, int | tuple[int, ...]], reason: str
) -> None:
    data = hand_made((6, 40), [bytes(40)] * 6, {278: 1, **tags})
    if 284 in tags:
        assert both_ways(data, tmp_path).shape == (6, 40, 1)
        return
    with pytest.raises((ImageReadError, UnsupportedImageError), match=reason) as caught:
        both_ways(data, tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("planes", ["contig", "separate"])
@pytest.mark.parametrize("tile", [None, (16, 32)])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("cut", [0.35, 0.7, 0.97])
def test_a_tiff_cut_anywhere_is_refused(
    tmp_path: Path, planes: str, tile: tuple[int, int] | None, compression: str | None, cut: float
) -> None:
    pixels = RNG.integers(0, 256, (90, 70, 3), dtype=np.uint8)
    stored = pixels if planes == "contig" else pixels.transpose(2, 0, 1)
    options = {"planarconfig": planes, "tile": tile, "compression": compression}
    data = _encoded(stored, photometric="rgb", **options)
    np.testing.assert_array_equal(both_ways(data, tmp_path), pixels)
    with pytest.raises(ImageReadError):
        both_ways(data[: int(len(data) * cut)], tmp_path)


def _encoded(pixels: NDArray[np.generic], **options: object) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, pixels, metadata=None, **options)  # type: ignore[arg-type]
    return stream.getvalue()


def test_a_jpeg_strip_lower_than_it_says_is_refused() -> None:
    stream = io.BytesIO()
    Image.fromarray(RNG.integers(0, 256, (90, 70, 3), dtype=np.uint8)).save(
        stream, "TIFF", compression="jpeg"
    )
    data = bytearray(stream.getvalue())
    assert read_photo(bytes(data)).color.shape == (90, 70, 3)
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        for tag in (257, 278):
            place = file.pages[0].tags[tag].valueoffset  # type: ignore[union-attr]
            data[place : place + 2] = (900).to_bytes(2, "little")
    with pytest.raises(ImageReadError, match="truncated"):
        read_photo(bytes(data))


@pytest.mark.parametrize("kind", [1, 4])
def test_thumbnails_and_masks_are_no_pages(tmp_path: Path, kind: int) -> None:
    photo, small = RNG.integers(0, 256, (48, 64, 3), dtype=np.uint8), np.zeros((12, 16), np.uint8)
    path = tmp_path / "photo.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(photo, photometric="rgb", metadata=None)
        mask = kind == 4
        writer.write(
            small > 0 if mask else small,
            subfiletype=kind,
            photometric=4 if mask else "minisblack",  # type: ignore[arg-type]
            metadata=None,
        )
    np.testing.assert_array_equal(both_ways(path.read_bytes(), tmp_path), photo)


@pytest.mark.parametrize("kind", [0, 2])
def test_pages_are_refused_with_their_number(kind: int) -> None:
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream) as writer:
        for number in range(3):
            writer.write(
                np.zeros((8, 8), np.uint8),
                subfiletype=kind if number else 0,
                photometric="minisblack",
                metadata=None,
            )
    with pytest.raises(UnsupportedImageError, match="3 frames"):
        read_photo(stream.getvalue())


def test_directories_that_loop_end() -> None:
    data = bytearray(hand_made((4, 4), [bytes(16)], {}))
    (count,) = struct.unpack_from("<H", data, 8)
    struct.pack_into("<L", data, 10 + 12 * count, 8)
    assert read_photo(bytes(data)).color.shape == (4, 4, 1)


@pytest.mark.parametrize(
    "tags",
    [{50706: 0x0401}, {262: 32803}, {262: 34892}, {259: 34713}, {330: 8}],
    ids=["DNG", "filter array", "linear raw", "Nikon", "loop below"],
)
def test_camera_raws_are_refused(tags: dict[int, int | tuple[int, ...]]) -> None:
    data = hand_made((4, 4), [bytes(16)], tags)
    if 330 in tags:
        assert read_photo(data).color.shape == (4, 4, 1)
        return
    with pytest.raises(UnsupportedImageError, match="camera raw"):
        read_photo(data)


def test_the_sensor_data_below_a_preview_make_a_camera_raw() -> None:
    # As Nikon's and Sony's files have it: the first directory is of a small RGB picture.
    preview = hand_made((4, 4), [bytes(16)], {254: 1, 330: 4000})
    below = struct.pack("<H", 1) + struct.pack("<HHLL", 262, SHORT, 1, 32803) + bytes(4)
    with pytest.raises(UnsupportedImageError, match="camera raw"):
        read_photo(preview.ljust(4000, b"\0") + below)


@pytest.mark.parametrize(
    ("pixels", "options", "reason"),
    [
        (np.zeros((4, 4), np.float32), {}, "floating-point"),
        (np.zeros((4, 4), np.float16), {}, "16-bit floating-point gray"),
        (np.zeros((4, 4, 3), np.float32), {"photometric": "rgb"}, "32-bit floating-point RGB"),
        (np.zeros((4, 4, 3), np.uint32), {"photometric": "rgb"}, "32-bit RGB"),
        (np.full((4, 4), 2**31 + 5, np.uint32), {}, r"32-bit gray \(2147483653"),
        (np.full((4, 4), -5, np.int32), {}, r"32-bit gray \(-5"),
        (np.zeros((4, 4), np.int8), {}, "8-bit signed gray"),
        (np.zeros((4, 4), np.complex64), {}, "64-bit unusual gray"),
        (np.zeros((4, 4, 2), np.uint16), {"extrasamples": [2]}, "16-bit gray with alpha"),
        (
            np.zeros((4, 4, 5), np.uint8),
            {"photometric": 5, "planarconfig": 1, "extrasamples": [2]},
            "CMYK with alpha",
        ),
        (np.zeros((2, 4, 4), np.uint8), {"extrasamples": [2], "planarconfig": 2}, "interleaved"),
        (np.zeros((3, 4, 4), np.uint16), {"photometric": "rgb", "planarconfig": 2}, "interleaved"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_samples_that_are_not_handled_are_named(
    pixels: NDArray[np.generic], options: dict[str, object], reason: str
) -> None:
    data = _encoded(pixels, **{"photometric": "minisblack", **options})
    with pytest.raises(UnsupportedImageError, match=rf"^image data: .*{reason}"):
        read_photo(data)


def test_unsigned_32_bit_gray_of_16_bit_range_is_taken() -> None:
    data = _encoded(np.array([[5, 65_535]], np.uint32), photometric="minisblack")
    assert read_photo(data).color.ravel().tolist() == [5, 65_535]


def test_what_a_file_says_is_printed_without_control_characters() -> None:
    data = bytearray(hand_made((4, 4), [bytes(16)], {262: 27}))
    place = data.index(struct.pack("<HHLL", 262, LONG, 1, 27))
    struct.pack_into("<HHL", data, place, 262, 2, 1)  # text that clears a terminal begins so
    with pytest.raises(UnsupportedImageError, match=r"photometric \? is not handled") as caught:
        read_photo(bytes(data))
    assert str(caught.value).isprintable()


def test_a_big_endian_bigtiff_is_named() -> None:
    data = _encoded(np.zeros((4, 4), np.uint8), byteorder=">", bigtiff=True)
    with pytest.raises(UnsupportedImageError, match="big-endian BigTIFF"):
        read_photo(data)


def test_uncompressed_subsampled_colours_are_refused() -> None:
    data = hand_made((2, 2), [bytes(12)], {258: (8, 8, 8), 262: 6, 277: 3})
    with pytest.raises(UnsupportedImageError, match="subsampled"):
        read_photo(data)
    data = hand_made((2, 2), [bytes(12)], {258: (8, 8, 8), 262: 6, 277: 3, 530: (1, 1)})
    assert read_photo(data).color.shape == (2, 2, 3)


@pytest.mark.parametrize(
    "tags",
    [*({259: coding} for coding in (50001, 34712, 12345, 5, 8, 7, 4)), {277: 60_000}],
    ids=str,
)
def test_nothing_else_is_written_to_standard_error(tmp_path: Path, tags: dict[int, int]) -> None:
    path = tmp_path / "photo.tif"
    path.write_bytes(hand_made((48, 64), [b"\x93" * 900], tags))
    code = (
        "import sys; from splitsr.imaging.files import read_photo\n"
        "from splitsr.errors import ImageError\n"
        "try: read_photo(sys.argv[1])\n"
        "except ImageError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, path],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    if tags != {259: 4}:  # of fax data every line may be anything
        assert done.stdout.startswith(f"{path}: ")
        assert done.stdout.count("\n") == 1


def test_a_photo_of_rows_remains_one(tmp_path: Path) -> None:
    path = tmp_path / "photo.tif"
    path.write_bytes(hand_made((600, 9), [bytes(9)] * 600, {278: 1}))
    assert isinstance(open_photo(path), PhotoRows)
