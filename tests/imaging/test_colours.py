"""Colours that a file states stay what they were, in whatever format."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from splitsr.errors import ImageWriteError
from splitsr.imaging.arrays import to_uint8
from splitsr.imaging.files import read_photo
from splitsr.imaging.metadata.icc import cicp_profile, fit_profile, gamma_profile
from tests.imaging.carried import (
    BUILT_IN,
    CORPUS,
    carried,
    chunk,
    chunks_of,
    doubled,
    png_with,
    written,
)

SRGB_TO_XYZ = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
)
P3_TO_XYZ = np.array([[0.4866, 0.2657, 0.1982], [0.2290, 0.6917, 0.0793], [0, 0.0451, 1.0439]])
SRGB_CORNERS = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
P3_CORNERS = (31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)


def to_linear(level: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)


def to_srgb(light: NDArray[np.float64]) -> NDArray[np.float64]:
    light = np.clip(light, 0, 1)
    return 255 * np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def p3_to_srgb(color: tuple[int, int, int]) -> NDArray[np.float64]:
    light = to_linear(np.array(color) / 255)
    return to_srgb(np.linalg.inv(SRGB_TO_XYZ) @ P3_TO_XYZ @ light)


def shown(data: bytes) -> NDArray[np.float64]:
    """The first pixel of a file as a viewer shows it on an sRGB display."""
    photo = read_photo(data)
    image = Image.fromarray(to_uint8(photo.color).squeeze())
    if photo.metadata.icc_profile:
        converted = ImageCms.profileToProfile(
            image,
            ImageCms.ImageCmsProfile(io.BytesIO(photo.metadata.icc_profile)),
            ImageCms.createProfile("sRGB"),
            outputMode="RGB",
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        )
        assert converted is not None
        image = converted
    return np.asarray(image.convert("RGB"))[0, 0].astype(np.float64)


def cicp(primaries: int, transfer: int, matrix: int = 0, full: int = 1) -> bytes:
    return chunk(b"cICP", bytes([primaries, transfer, matrix, full]))


GAMMA_LINEAR = chunk(b"gAMA", struct.pack(">L", 100_000))
GAMMA_18 = chunk(b"gAMA", struct.pack(">L", 55_556))
CHRM_P3 = chunk(b"cHRM", struct.pack(">8L", *P3_CORNERS))
CHRM_SRGB = chunk(b"cHRM", struct.pack(">8L", *SRGB_CORNERS))
SRGB = chunk(b"sRGB", b"\0")


@pytest.mark.parametrize("mode", ["RGB", "L", "LA", "RGBA"])
@pytest.mark.parametrize("format_name", BUILT_IN)
@pytest.mark.parametrize(
    ("stated", "gray"),
    [
        ([GAMMA_LINEAR], to_srgb(np.float64(55 / 255))),
        ([GAMMA_18, CHRM_P3], to_srgb(np.float64((55 / 255) ** 1.8))),
        ([CHRM_P3], 55),
        ([SRGB], 55),
        ([SRGB, GAMMA_18], 55),
        ([cicp(1, 8)], to_srgb(np.float64(55 / 255))),
        ([cicp(12, 13), GAMMA_LINEAR], 55),
        ([], 55),
    ],
)
def test_gray_of_a_png_is_as_light_as_before(
    stated: list[bytes], gray: float, format_name: str, mode: str
) -> None:
    data = written(doubled(png_with(*stated, mode=mode)), format_name)
    assert shown(data) == pytest.approx([gray] * 3, abs=2)


@pytest.mark.parametrize("format_name", BUILT_IN)
@pytest.mark.parametrize("stated", [CHRM_P3, cicp(12, 13), cicp(12, 13) + GAMMA_LINEAR])
def test_colours_of_a_png_are_as_saturated_as_before(stated: bytes, format_name: str) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (16, 12), (200, 100, 50)).save(stream, "PNG")
    data = stream.getvalue()
    at = data.index(b"IDAT") - 4
    result = written(doubled(data[:at] + stated + data[at:]), format_name)
    assert shown(result) == pytest.approx(p3_to_srgb((200, 100, 50)), abs=4)


@pytest.mark.parametrize(
    "stated",
    [
        (GAMMA_LINEAR,),
        (GAMMA_18, CHRM_P3),
        (SRGB, chunk(b"gAMA", struct.pack(">L", 45_455)), CHRM_SRGB),
        (cicp(9, 16),),
        (cicp(9, 18), chunk(b"cLLI", bytes(8)), chunk(b"mDCV", bytes(24))),
        (cicp(1, 13, full=0),),
    ],
)
def test_png_keeps_the_same_payloads(stated: tuple[bytes, ...]) -> None:
    result = chunks_of(written(doubled(png_with(*stated)), "PNG"))
    assert [chunk(*each) for each in result if each[0] not in (b"IHDR", b"IDAT", b"IEND")] == [
        *stated
    ]


def avif_of(primaries: int, transfer: int) -> bytes:
    data = bytearray((CORPUS / "a_p3.avif").read_bytes())
    struct.pack_into(">HH", data, data.index(b"colrnclx") + 8, primaries, transfer)
    return bytes(data)


@pytest.mark.parametrize("format_name", [name for name in BUILT_IN if name != "PNG"])
@pytest.mark.parametrize("transfer", [16, 18])
@pytest.mark.parametrize("source", ["PNG", "AVIF"])
def test_pq_and_hlg_are_refused_where_they_cannot_be_kept(
    source: str, transfer: int, format_name: str
) -> None:
    data = png_with(cicp(9, transfer)) if source == "PNG" else avif_of(9, transfer)
    with pytest.raises(ImageWriteError, match=f"{format_name} cannot keep.*PQ, HLG.*write PNG"):
        carried(data, format_name)


def test_pq_of_an_avif_is_stated_in_a_png() -> None:
    result = written(doubled(avif_of(9, 16)), "PNG")
    assert (b"cICP", bytes([9, 16, 0, 1])) in chunks_of(result)
    assert b"iCCP" not in dict(chunks_of(result))


@pytest.mark.parametrize("format_name", BUILT_IN)
@pytest.mark.parametrize(("primaries", "transfer"), [(12, 13), (9, 1), (9, 13), (11, 13), (1, 8)])
def test_avif_states_its_colours_in_a_profile(
    primaries: int, transfer: int, format_name: str
) -> None:
    expected = cicp_profile(primaries, transfer, gray=False)
    assert expected is not None
    assert carried(avif_of(primaries, transfer), format_name).icc_profile == expected


@pytest.mark.parametrize("stated", [(1, 13), (2, 2), (1, 2)])
def test_avif_of_srgb_needs_no_profile(stated: tuple[int, int]) -> None:
    assert carried(avif_of(*stated), "AVIF").icc_profile is None


def test_display_p3_of_an_avif_is_shown_as_it_was() -> None:
    stream = io.BytesIO()
    Image.new("RGB", (16, 12), (200, 100, 50)).save(stream, "AVIF", quality=100)
    data = bytearray(stream.getvalue())
    struct.pack_into(">H", data, data.index(b"colrnclx") + 8, 12)
    for format_name in BUILT_IN:
        result = written(doubled(bytes(data)), format_name)
        assert shown(result) == pytest.approx(p3_to_srgb((200, 100, 50)), abs=5)


@pytest.mark.parametrize("name", ["j_gray_icc.jpg", "p_la16_icc.png"])
@pytest.mark.parametrize("format_name", BUILT_IN)
def test_gray_profile_is_that_of_the_pixels(format_name: str, name: str) -> None:
    photo = read_photo(data := written(doubled(CORPUS / name), format_name))
    profile = photo.metadata.icc_profile
    assert profile is not None
    space = b"GRAY" if photo.color.shape[2] == 1 else b"RGB "
    assert profile[16:20] == space
    with Image.open(io.BytesIO(data)) as image:  # Pillow gives what is in the file
        assert image.info["icc_profile"] == profile
    if photo.alpha is not None or name.endswith("jpg"):  # the others lie over white
        before = shown((CORPUS / name).read_bytes())
        assert shown(data) == pytest.approx(before, abs=4)


def test_profile_without_a_curve_does_not_become_rgb() -> None:
    lookup = bytes(16) + b"GRAY" + bytes(200)
    assert fit_profile(lookup, gray=False) is None
    assert fit_profile(lookup, gray=True) == lookup
    assert fit_profile(None, gray=False) is None


@pytest.mark.parametrize(
    "corners",
    [(0,) * 8, (1,) * 8, (2**32 - 1,) * 8, (31270, 0, *SRGB_CORNERS[2:]), (*P3_CORNERS[:6], 1, 1)],
)
@pytest.mark.parametrize("gamma", [0, 1, 55_556, 2**32 - 1])
def test_numbers_that_no_light_has_cost_no_picture(gamma: int, corners: tuple[int, ...]) -> None:
    stated = chunk(b"gAMA", struct.pack(">L", gamma)), chunk(b"cHRM", struct.pack(">8L", *corners))
    for format_name in BUILT_IN:
        carried(png_with(*stated), format_name)
    profile = gamma_profile(gamma, corners, gray=False)
    if profile:
        ImageCms.ImageCmsProfile(io.BytesIO(profile))


@pytest.mark.parametrize("kind", [b"gAMA", b"cHRM", b"sRGB", b"cICP", b"iCCP", b"pHYs"])
def test_short_chunks_are_left_out_with_a_line(kind: bytes) -> None:
    metadata = read_photo(png_with(chunk(kind, b"\0\0\0"))).metadata
    assert metadata.losses == (f"a damaged {kind.decode()} chunk was lost",)


@pytest.mark.parametrize("late", [False, True])
def test_profile_of_megabytes_is_kept(late: bool, tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    header = bytes(16) + b"RGB " + bytes(108)
    profile = header + rng.integers(0, 256, 1_500_000, dtype=np.uint8).tobytes()
    stated = chunk(b"iCCP", b"wide\0\0" + zlib.compress(profile, 1))
    path = tmp_path / "wide.png"
    path.write_bytes(png_with(stated, late=late))
    for format_name in BUILT_IN:
        assert carried(path, format_name).icc_profile == profile
    result = chunks_of(written(doubled(path), "PNG"))
    assert chunk(b"iCCP", dict(result)[b"iCCP"]) == stated
