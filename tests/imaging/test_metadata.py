"""What files say besides their pixels is kept, made true, or its loss is told."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image, IptcImagePlugin, TiffImagePlugin

from splitsr.imaging.codecs.png_chunks import text_of
from splitsr.imaging.files import Metadata, Photo, read_photo
from splitsr.imaging.metadata import exif, xmp
from tests.imaging.carried import (
    BUILT_IN,
    CORPUS,
    carried,
    chunk,
    chunks_of,
    doubled,
    encoded,
    png_with,
    written,
)

IPTC = b"\x1c\x01Z\0\x03\x1b%G\x1c\x02\x19\0\x03cat\x1c\x02t\0\x09(c) Zo\xc3\xab!\x1c\x02x\0\x01x"
RDF = b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'


def packet(attributes: bytes, inside: bytes = b"") -> bytes:
    start = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF ' + RDF + b"><rdf:Description "
    return start + attributes + b">" + inside + b"</rdf:Description></rdf:RDF></x:xmpmeta>"


def resources(iptc: bytes) -> bytes:
    """Photoshop's resources: one that is named, and odd in size, before IPTC."""
    other = b"8BIM" + b"\x03\xed" + b"\x03abc" + struct.pack(">L", 3) + b"xyz\0"
    return other + b"8BIM\x04\x04\0\0" + struct.pack(">L", len(iptc)) + iptc + bytes(len(iptc) % 2)


def with_segments(data: bytes, *segments: tuple[int, bytes]) -> bytes:
    parts = [struct.pack(">BBH", 255, kind, len(body) + 2) + body for kind, body in segments]
    return data[:2] + b"".join(parts) + data[2:]


# --- EXIF


@pytest.mark.parametrize("name", ["makernote.jpg", "full.jpg"])
@pytest.mark.parametrize("format_name", [name for name in BUILT_IN if name != "TIFF"])
def test_exif_is_the_same_to_the_byte_but_for_sizes(format_name: str, name: str) -> None:
    with Image.open(CORPUS / name) as image:
        before = image.info["exif"].removeprefix(b"Exif\0\0")
        height, width = image.height, image.width
    after = carried(CORPUS / name, format_name).exif
    assert after == exif.with_size(before, 2 * height, 2 * width)
    assert len(after) == len(before)
    assert sum(a != b for a, b in zip(after, before, strict=True)) == (2 if "full" in name else 0)


@pytest.mark.parametrize("order", ["<", ">"])
def test_tiff_has_the_exif_block_where_its_offsets_are_right(order: str) -> None:
    block = Image.Exif()
    block.endian = order
    block[0x010F], block[0x0112] = "Zo\u00eb", 1
    block.get_ifd(0x8769)[0x927C] = b"MakerNote" * 9
    raw = block.tobytes().removeprefix(b"Exif\0\0").replace(b"Zo?", b"Zo\xff")
    data = written(Photo(np.zeros((9, 9, 3), np.uint16), metadata=Metadata(exif=raw)), "TIFF")
    note = raw.index(b"MakerNote")
    assert data[8 : len(raw)] == raw[8:]
    with Image.open(io.BytesIO(data)) as image:
        assert isinstance(image, TiffImagePlugin.TiffImageFile)
        assert image.tag_v2.prefix == raw[:2]
        assert image.tag_v2[0x010F] == "Zo\xff"
        assert image.getexif().get_ifd(0x8769)[0x927C] == b"MakerNote" * 9
    assert data.index(b"MakerNote") == note


def test_tiff_to_other_formats_keeps_text_that_is_not_ascii() -> None:
    source = written(doubled(CORPUS / "full.jpg"), "TIFF")
    for format_name in BUILT_IN:
        block = carried(source, format_name).exif
        assert block is not None
        for text in ("Zoë Müller", "© 2024 Zoë"):
            assert text.encode() in block
        parsed = Image.Exif()
        parsed.load(block)
        assert parsed.get_ifd(0x8769)[0xA434] == "RF 50mm"
        assert float(parsed.get_ifd(0x8825)[6]) == 35


def hostile_blocks() -> dict[str, bytes]:
    loop = b"II*\0\x08\0\0\0\x01\0i\x87\x04\0\x01\0\0\0\x08\0\0\0\0\0\0\0"
    entry = b"i\x87\x04\0\x01\0\0\0\x11\0\0\0"
    overlapping = struct.pack("<HHLL", 0x927C, 7, 60_000, 8)
    far = struct.pack("<HHLL", 0x927C, 7, 2**32 - 1, 2**32 - 1)
    return {
        "loop": loop,
        "quad": b"II*\0\x08\0\0\0\x18\x15" + entry * 5400,
        "loop of two": loop[:18] + b"\x0e\0\0\0" + loop[22:],
        "overlap": b"II*\0\x08\0\0\0\x88\x13" + overlapping * 5000,
        "far": b"II*\0\x08\0\0\0\x01\0" + far + bytes(4),
        "no such directory": b"II*\0\xff\xff\xff\xff",
        "cut": loop[:12],
        "bad magic": b"MM\0\x03" + loop[4:],
        "big": b"II+\0\x08\0\0\0\x10" + bytes(30),
        "empty": b"",
        "types": b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHLL", 0x10F, 77, 2, 0) + bytes(4),
    }


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of what it leaves out
@pytest.mark.parametrize("name", hostile_blocks())
@pytest.mark.parametrize("source_format", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_hostile_exif_costs_the_tag_and_not_the_photo(source_format: str, name: str) -> None:
    block = hostile_blocks()[name]
    data = encoded(source_format)
    if source_format == "PNG":
        data = png_with(chunk(b"eXIf", block))
    elif source_format == "JPEG":
        data = with_segments(data, (0xE1, b"Exif\0\0" + block))
    else:  # one of the same length, overwritten
        valid = b"II*\0\x08\0\0\0" + bytes(max(0, len(block) - 8))
        data = encoded(source_format, exif=valid).replace(valid, block.ljust(8, b"\0"))
    for format_name in BUILT_IN:
        carried(data, format_name)


@pytest.mark.parametrize("pointer", [8, 2**32 - 1, 14])
def test_hostile_exif_of_a_tiff(pointer: int) -> None:
    data = bytearray(written(Photo(np.zeros((9, 9, 3), np.uint8)), "TIFF"))
    tag = data.index(struct.pack("<HHL", 284, 3, 1))  # planar configuration: 1 is the default
    struct.pack_into("<HHLL", data, tag, 0x8769, 4, 1, pointer)
    for format_name in BUILT_IN:
        carried(bytes(data), format_name)


@pytest.mark.parametrize("format_name", BUILT_IN)
def test_orientation_that_is_no_number_is_reset(format_name: str) -> None:
    photo = doubled(CORPUS / "jpg_orient_ascii.jpg")
    assert photo.color.shape == (96, 128, 3)
    block = read_photo(written(photo, format_name)).metadata.exif
    if format_name != "TIFF":  # which has a tag of its own
        assert block is not None
        assert struct.unpack_from("<HHLL", block, 10) == (0x0112, 3, 1, 1)


@pytest.mark.parametrize(
    "name", ["jpg_exifdpi_max_1.jpg", "tif_dpi_3e8.tif", "tif_dpi_float1e30.tif"]
)
@pytest.mark.parametrize("format_name", BUILT_IN)
def test_impossible_resolution_is_lost(format_name: str, name: str) -> None:
    assert carried(CORPUS / name, format_name).dpi is None


def test_tiff_without_a_resolution_has_none() -> None:
    photo = Photo(np.zeros((9, 9, 3), np.uint8))
    assert read_photo(written(photo, "TIFF")).metadata.dpi is None


# --- IPTC


@pytest.mark.parametrize("format_name", ["JPEG", "TIFF", "PNG"])
def test_iptc_is_unchanged(format_name: str) -> None:
    with Image.open(CORPUS / "full.jpg") as image:
        expected = IptcImagePlugin.getiptcinfo(image)
    assert expected
    assert expected[2, 25] == [b"cat", b"chelsea"]
    data = written(doubled(CORPUS / "full.jpg"), format_name)
    again = written(doubled(data), "JPEG" if format_name == "PNG" else format_name)
    with Image.open(io.BytesIO(again)) as image:
        assert IptcImagePlugin.getiptcinfo(image) == expected


def test_iptc_among_resources_and_over_segments() -> None:
    long = IPTC + b"\x1c\x02\x78" + struct.pack(">H", 32_000) + b"c" * 32_000
    whole = resources(long * 3)
    parts = [b"Photoshop 3.0\0" + whole[at : at + 60_000] for at in range(0, len(whole), 60_000)]
    data = with_segments(encoded("JPEG"), *((0xED, part) for part in parts))
    for format_name in ("JPEG", "TIFF"):
        assert carried(data, format_name).iptc == long * 3


@pytest.mark.filterwarnings("ignore:Metadata Warning:UserWarning")
@pytest.mark.parametrize(
    ("tag", "kind", "content"),
    [(33723, 7, IPTC), (33723, 4, IPTC + bytes(-len(IPTC) % 4)), (34377, 7, resources(IPTC))],
)
def test_iptc_of_a_tiff_of_another_writer(tag: int, kind: int, content: bytes) -> None:
    stream = io.BytesIO()
    count = len(content) // (4 if kind == 4 else 1)
    extra = [(tag, kind, count, content, True)]
    tifffile.imwrite(stream, np.zeros((9, 9), np.uint8), extratags=extra, metadata=None)
    for format_name in ("TIFF", "JPEG"):
        assert carried(stream.getvalue(), format_name).iptc == IPTC


# --- XMP


@pytest.mark.parametrize("format_name", BUILT_IN)
@pytest.mark.parametrize(
    ("name", "gone", "lost"),
    [
        ("ultrahdr.jpg", (b"hdrgm", b"Container", b"Item:"), "the gain map was lost"),
        ("motion.jpg", (b"MotionPhoto", b"Container", b"video/mp4"), "the video was lost"),
    ],
)
def test_xmp_tells_of_nothing_that_is_gone(
    name: str, gone: tuple[bytes, ...], lost: str, format_name: str
) -> None:
    assert read_photo(CORPUS / name).metadata.losses == (lost,)
    after = carried(CORPUS / name, format_name).xmp
    assert after
    for word in gone:
        assert word not in after
    assert after.startswith(b"<x:xmpmeta")
    assert after.endswith(b"</x:xmpmeta>")


@pytest.mark.parametrize("format_name", BUILT_IN)
def test_panorama_is_as_large_as_its_picture(format_name: str) -> None:
    after = carried(CORPUS / "pano360.jpg", format_name).xmp
    assert after
    assert b'ProjectionType="equirectangular"' in after
    assert after.count(b'WidthPixels="128"') == after.count(b'HeightPixels="64"') == 2
    assert b'CroppedAreaLeftPixels="0"' in after


def test_properties_as_elements_and_under_other_prefixes() -> None:
    before = packet(
        b'xmlns:a="http://ns.google.com/photos/1.0/panorama/"'
        b' xmlns:t="http://ns.adobe.com/tiff/1.0/" t:Make="&lt;6>"'
        b" xmlns:n='http://ns.adobe.com/xmp/note/' n:HasExtendedXMP='0123'"
        b' xmlns:g="http://ns.adobe.com/hdr-gain-map/1.0/"',
        b"<a:FullPanoWidthPixels>400</a:FullPanoWidthPixels><a:CroppedAreaTopPixels> 7 "
        b"</a:CroppedAreaTopPixels><t:Orientation>6</t:Orientation><t:ImageWidth>9</t:ImageWidth>"
        b"<g:GainMapMax><rdf:Seq><rdf:li>3</rdf:li></rdf:Seq></g:GainMapMax><g:Version/>"
        b"<n:Other>n</n:Other>",
    )
    changed, gone = xmp.upright(before, turned=True)
    assert changed is not None
    assert set(gone) == {"gain map", "second part of the XMP"}
    expected = packet(
        b'xmlns:a="http://ns.google.com/photos/1.0/panorama/"'
        b' xmlns:t="http://ns.adobe.com/tiff/1.0/" t:Make="&lt;6>"'
        b" xmlns:n='http://ns.adobe.com/xmp/note/'",
        b"<a:FullPanoWidthPixels>800</a:FullPanoWidthPixels><a:CroppedAreaTopPixels>21"
        b"</a:CroppedAreaTopPixels><t:Orientation>1</t:Orientation><t:ImageWidth>40</t:ImageWidth>"
        b"<n:Other>n</n:Other>",
    )
    assert xmp.with_size(changed, (30, 40), (10, 20)) == expected
    assert xmp.orientation(before) == 6


def test_faces_go_where_the_picture_is_turned() -> None:
    regions = b' xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/regions/"'
    before = packet(b"a='1'" + regions, b"<mwg-rs:Regions><b>x</b></mwg-rs:Regions><c/>")
    assert xmp.upright(before, turned=False)[0] == before
    assert xmp.upright(before, turned=True)[0] == packet(b"a='1'", b"<c/>")


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"no xml",
        b"\xff\xfe<",
        b'<x tiff:Orientation="6"><y',
        b'<!DOCTYPE x [<!ENTITY a "tiff">]><x tiff:Orientation="6">&a;</x>',
        packet(b"a='1'") + bytes(4) + b"behind",
    ],
)
def test_what_is_no_xmp_is_not_harmed(broken: bytes) -> None:
    changed, gone = xmp.upright(broken, turned=True)
    assert changed in (broken, broken.replace(b'"6"', b'"1"'))
    assert not gone


def test_work_on_xmp_is_bounded() -> None:
    huge = packet(b"a='1'", b"<b>" * 150_000 + b"</b>" * 150_000)
    assert xmp.upright(huge, turned=False) == (None, ("XMP",))
    stated = chunk(b"zTXt", b"Raw profile type xmp\0\0" + zlib.compress(_raw(b"xmp", huge)))
    metadata = read_photo(png_with(stated)).metadata
    assert (metadata.xmp, metadata.losses) == (None, ("the XMP was lost",))


@pytest.mark.parametrize(
    "behind",
    [
        b'xmlns:HDRGainMap="http://ns.apple.com/HDRGainMap/1.0/"',
        b"urn:iso:std:iso:ts:21496:-1\0",
        b'xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/"',
    ],
)
def test_gain_map_that_only_its_own_picture_tells_of(behind: bytes) -> None:
    data = encoded("JPEG") + with_segments(encoded("JPEG"), (0xE2, behind))
    assert read_photo(data).metadata.losses == ("the gain map was lost",)
    assert read_photo(encoded("JPEG") * 2).metadata.losses == ()


# --- PNG


def _raw(name: bytes, content: bytes) -> bytes:
    return b"\n%s\n%8d\n%s\n" % (name, len(content), content.hex().encode())


@pytest.mark.parametrize("format_name", BUILT_IN)
def test_xmp_that_imagemagick_wrote_as_text(format_name: str) -> None:
    after = carried(CORPUS / "rawxmp.png", format_name).xmp
    assert after
    assert b"<dc:title>" in after


@pytest.mark.parametrize(
    ("name", "content", "field"),
    [
        (b"iptc", resources(IPTC), "iptc"),
        (b"8bim", resources(IPTC), "iptc"),
        (b"APP1", b"http://ns.adobe.com/xap/1.0/\0" + packet(b"a='1'"), "xmp"),
        (b"APP1", b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0", "exif"),
        (b"icc", bytes(16) + b"RGB " + bytes(120), "icc_profile"),
    ],
)
def test_other_profiles_in_text(name: bytes, content: bytes, field: str) -> None:
    stated = chunk(b"tEXt", b"Raw profile type " + name + b"\0" + _raw(name, content))
    for format_name in ("PNG", "JPEG", "TIFF") if field != "exif" else ("PNG", "JPEG"):
        assert getattr(carried(png_with(stated), format_name), field)
    assert not read_photo(png_with(stated)).metadata.png_chunks


@pytest.mark.parametrize("late", [False, True])
def test_texts_stay_as_they_are(late: bool) -> None:
    bomb = zlib.compress(bytes(3_000_000))
    texts = [
        (b"tEXt", b"Keyword\0one"),
        (b"tEXt", b"Keyword\0two"),
        (b"zTXt", b"workflow\0\0" + bomb),
        (b"zTXt", b"not packed\0\0at all"),
        (b"iTXt", b"Title\0\0\0de\0Titel\0\xe5\x90\x8d"),
        (b"tEXt", b"\xff\xfe latin"),
        (b"tEXt", b"Comment\0hi"),
    ]
    data = written(doubled(png_with(*(chunk(*text) for text in texts), late=late)), "PNG")
    assert [text for text in chunks_of(data) if text[0] in (b"tEXt", b"zTXt", b"iTXt")] == texts
    assert carried(data, "JPEG").comment == b"hi"


def test_damaged_text_costs_no_picture_and_is_told() -> None:
    good, bad = chunk(b"tEXt", b"Title\0good"), bytearray(chunk(b"tEXt", b"Comment\0hi"))
    bad[-1] ^= 1
    for late in (False, True):
        photo = read_photo(png_with(good, bytes(bad), late=late))
        np.testing.assert_array_equal(photo.color, np.full((12, 16, 3), 55))
        assert photo.metadata.losses == ("a damaged tEXt chunk was lost",)
        assert [text_of(text) for text in photo.metadata.png_chunks] == [(b"Title", b"good")]


def test_profile_text_that_is_damaged_is_told() -> None:
    for text in (b"zz", b"\nexif\n 2\nzz", b"\n\n\n"):
        metadata = read_photo(png_with(chunk(b"tEXt", b"Raw profile type exif\0" + text))).metadata
        assert metadata.losses == ("a damaged tEXt chunk was lost",)
