"""Collects what an image file says besides its pixels, format by format."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, BinaryIO

from splitsr.imaging.codecs.png_chunks import Chunk
from splitsr.imaging.metadata import exif, icc, xmp
from splitsr.imaging.metadata.ifd import Directories, Field
from splitsr.imaging.metadata.iptc import PHOTOSHOP, find_iptc
from splitsr.imaging.metadata.metadata import Metadata
from splitsr.imaging.metadata.png import read_png

if TYPE_CHECKING:
    from PIL import Image
    from PIL.JpegImagePlugin import JpegImageFile

    from splitsr.imaging.codecs.avif import AvifPicture
    from splitsr.imaging.codecs.jxl import JxlPicture
    from splitsr.imaging.codecs.png_reader import PngPixels

_RESOLUTION_TAG, _XMP_TAG, _IPTC_TAG, _PHOTOSHOP_TAG = 282, 700, 33723, 34377
_MOST_DPI = 65_535  # what JPEG can say
# What tells of images and films behind the first image's end.
_TRAILERS = {
    b"hdr-gain-map": "gain map",
    b"HDRGainMap": "gain map",
    b"urn:iso:std:iso:ts:21496": "gain map",
    b"MotionPhoto_Data": "video",
}


def read_metadata(
    image: Image.Image, stream: BinaryIO, size: tuple[int, int], channels: int
) -> tuple[Metadata, int]:
    """Collect what a decoded image carries.

    Args:
        image: an image opened by Pillow, with `FORMATS`' readers.
        stream: its file, seekable.
        size: height and width of the pixels as they lie.
        channels: colour channels of the pixels, 1 or 3; a profile for another number (CMYK, or
            a gray one on an expanded palette) is left out.

    Returns:
        The metadata, for pixels that stand upright, and the EXIF orientation, 1 to 8, that is still
        to be applied to them.
    """
    found, orientation = _READERS.get(str(image.format), _read_common)(image, stream, channels == 1)
    if orientation is None:
        turn = exif.orientation(found.exif) if found.exif else xmp.orientation(found.xmp or b"")
    else:
        turn = orientation
    profile, losses = found.icc_profile, found.losses
    packet = found.xmp
    if packet:
        packet, gone = xmp.upright(packet, turned=turn != 1)
        losses += tuple(f"the {part} was lost" for part in gone)
    return replace(
        found,
        exif=exif.upright(found.exif, turned=turn != 1) if found.exif else None,
        xmp=packet,
        dpi=_dpi(found.dpi),
        icc_profile=profile if profile and icc.is_for(profile, gray=channels == 1) else None,
        size=size if turn < 5 else size[::-1],
        losses=tuple(dict.fromkeys(losses)),
    ), turn


_Found = tuple[Metadata, "int | None"]
"""What a file has, and its orientation where it is not the EXIF block that says it."""


def _read_common(image: Image.Image, _stream: BinaryIO, _gray: bool) -> _Found:
    info = image.info
    block = info.get("exif")
    return Metadata(
        exif=exif.strip_prefix(block) if isinstance(block, bytes) else None,
        icc_profile=_bytes(info.get("icc_profile")),
        xmp=_bytes(info.get("xmp")),
        dpi=info.get("dpi"),
        comment=_bytes(info.get("comment")),
    ), None


def _read_jpeg(image: JpegImageFile, stream: BinaryIO, gray: bool) -> _Found:
    found, orientation = _read_common(image, stream, gray)
    segments: list[tuple[str, bytes]] = image.applist
    # There may be several comments, of which Pillow's `info` keeps the last.
    comments = [content for kind, content in segments if kind == "COM"]
    photoshop = [content for kind, content in segments if content.startswith(PHOTOSHOP)]
    lost = dict.fromkeys(_trailing_parts(stream, sum(len(content) for _, content in segments)))
    return replace(
        found,
        comment=b"\n".join(comments) if comments else None,
        iptc=find_iptc(b"".join(part.removeprefix(PHOTOSHOP) for part in photoshop)),
        losses=tuple(f"the {part} was lost" for part in lost),
    ), orientation


def _trailing_parts(stream: BinaryIO, start: int) -> Iterator[str]:
    stream.seek(start)
    data = stream.read()
    return (part for mark, part in _TRAILERS.items() if mark in data)


def _read_tiff(image: Image.Image, stream: BinaryIO, gray: bool) -> _Found:
    found, _ = _read_common(image, stream, gray)
    fields: dict[int, Field] = {}
    with suppress(struct.error):
        directories = Directories(stream)
        fields = directories.fields(directories.first)
    resources = fields.get(_PHOTOSHOP_TAG)
    iptc = fields[_IPTC_TAG].data.rstrip(b"\0") if _IPTC_TAG in fields else None
    return replace(
        found,
        exif=exif.from_tiff(stream),
        dpi=found.dpi if _RESOLUTION_TAG in fields else None,  # where Pillow has a 1
        xmp=fields[_XMP_TAG].data if _XMP_TAG in fields else None,
        iptc=iptc or (find_iptc(resources.data) if resources else None),
    ), 1  # Pillow has turned the pixels


def _read_avif(image: AvifPicture, _stream: BinaryIO, gray: bool) -> _Found:
    said = image.metadata()
    profile = said.icc_profile
    chunks: tuple[Chunk, ...] = ()
    if not profile and said.colours:
        profile = icc.cicp_profile(*said.colours, gray=gray)
        if icc.is_hdr_cicp(*said.colours):
            chunks = (Chunk(b"cICP", bytes([*said.colours, 0, 1])),)
    losses = ("the gain map was lost",) if said.has_gain_map else ()
    return Metadata(
        exif=said.exif, icc_profile=profile, xmp=said.xmp, png_chunks=chunks, losses=losses
    ), said.orientation


def _read_png(image: PngPixels, _stream: BinaryIO, gray: bool) -> _Found:
    return read_png(image.chunks(), gray=gray), None


def _read_jxl(image: JxlPicture, stream: BinaryIO, gray: bool) -> _Found:
    found, _ = _read_common(image, stream, gray)
    return found, None if image.holds_jpeg else 1  # libjxl has turned the pixels


_READERS: dict[str, Callable[[Any, BinaryIO, bool], _Found]] = {
    "JPEG": _read_jpeg,
    "TIFF": _read_tiff,
    "AVIF": _read_avif,
    "PNG": _read_png,
    "JXL": _read_jxl,
}


def _bytes(value: object) -> bytes | None:
    value = value.encode() if isinstance(value, str) else value
    return value if isinstance(value, bytes) and value else None


def _dpi(value: object) -> tuple[float, float] | None:
    if not isinstance(value, tuple):
        return None
    try:
        horizontal, vertical = (float(number) for number in value)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    fine = all(
        math.isfinite(number) and 1 <= number <= _MOST_DPI for number in (horizontal, vertical)
    )
    return (horizontal, vertical) if fine else None
