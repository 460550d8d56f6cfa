"""What a picture file says besides its pixels, and how each format takes it back."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from splitsr.imaging.exif import strip_prefix, upright

if TYPE_CHECKING:
    from PIL import Image

_XMP_ORIENTATION = re.compile(rb"(tiff:Orientation\s*(?:=\s*[\"']|>\s*))[2-8]")
# Keys of PNG text that are kept as fields of their own.
_NOT_TEXT = ("XML:com.adobe.xmp", "Raw profile type exif", "Raw profile type xmp")
# TIFF keeps its EXIF among the tags that lay out the pixels; these are the ones that describe.
_DESCRIPTIVE_TAGS = (270, 271, 272, 305, 306, 315, 316, 33432, 40091, 40092, 40093, 40094, 40095)
_SUB_IFDS = (0x8769, 0x8825)  # Exif, GPS


@dataclass(frozen=True)
class Metadata:
    """What is kept of a picture besides its pixels.

    Attributes:
        exif: EXIF block from its TIFF header on (no `Exif` prefix), orientation 1.
        icc_profile: ICC profile that fits the pixels (gray or RGB).
        xmp: XMP packet, its orientation 1.
        dpi: horizontal and vertical pixels an inch.
        comment: JPEG or GIF comment.
        text: PNG text chunks by keyword.
        losses: what the file held that is not kept, each in a few words.
    """

    exif: bytes | None = None
    icc_profile: bytes | None = None
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None
    comment: bytes | None = None
    text: Mapping[str, str] = field(default_factory=dict)
    losses: tuple[str, ...] = ()

    def any_comment(self) -> bytes | None:
        """The comment, or what a PNG says under that keyword (UTF-8)."""
        if self.comment is not None:
            return self.comment
        return self.text["Comment"].encode() if "Comment" in self.text else None


def read_metadata(image: Image.Image, *, orientation: int, channels: int) -> Metadata:
    """Collect what a decoded picture carries.

    Args:
        image: a picture opened by Pillow, loaded (PNG text may follow the pixels).
        orientation: EXIF orientation, 1 to 8, that has been applied to the pixels.
        channels: colour channels of the pixels, 1 or 3; a profile for another number (CMYK, or
            a gray one on an expanded palette) is left out.
    """
    exif = _exif_block(image)
    return Metadata(
        exif=upright(exif, turned=orientation != 1) if exif else None,
        icc_profile=_fitting_profile(image.info.get("icc_profile"), channels),
        xmp=_xmp(image.info.get("xmp")),
        dpi=_dpi(image.info.get("dpi")),
        comment=_comment(image),
        text={k: v for k, v in getattr(image, "text", {}).items() if k not in _NOT_TEXT},
    )


def _exif_block(image: Image.Image) -> bytes | None:
    if image.format == "TIFF":
        return _exif_of_tiff(image)
    block = image.info.get("exif")
    if isinstance(block, bytes):
        return strip_prefix(block)
    # ImageMagick writes EXIF into PNG text, which only getexif() knows to decode.
    exif = image.getexif() if "Raw profile type exif" in image.info else None
    return strip_prefix(exif.tobytes()) if exif else None


def _exif_of_tiff(image: Image.Image) -> bytes | None:
    from PIL import Image

    kept = Image.Exif()
    try:
        source = image.getexif()
        for tag in _DESCRIPTIVE_TAGS:
            if (value := source.get(tag)) is not None:
                # As bytes, or Pillow would make all but ASCII a question mark.
                kept[tag] = value.encode("latin-1", "replace") if isinstance(value, str) else value
        for tag in _SUB_IFDS:
            if directory := source.get_ifd(tag):
                kept.get_ifd(tag).update(directory)
        return strip_prefix(kept.tobytes()) if kept else None
    except Exception:  # Pillow's EXIF code raises nearly anything; a damaged tag costs no pixel
        return None


def _fitting_profile(profile: object, channels: int) -> bytes | None:
    """Keep a profile whose colour space (bytes 16 to 19 of its header, ICC.1) fits the pixels."""
    if not isinstance(profile, bytes):
        return None
    return profile if profile[16:20] == (b"GRAY" if channels == 1 else b"RGB ") else None


def _xmp(packet: object) -> bytes | None:
    if isinstance(packet, str):
        packet = packet.encode()
    if not isinstance(packet, bytes) or not packet:
        return None
    return _XMP_ORIENTATION.sub(rb"\g<1>1", packet)


def _dpi(value: object) -> tuple[float, float] | None:
    if not isinstance(value, tuple):
        return None
    try:
        horizontal, vertical = (float(number) for number in value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    fine = all(math.isfinite(number) and number > 0 for number in (horizontal, vertical))
    return (horizontal, vertical) if fine else None


def _comment(image: Image.Image) -> bytes | None:
    # A JPEG may have several comments, of which `info` keeps the last.
    markers = getattr(image, "applist", ())
    comments = [content for kind, content in markers if kind == "COM"]
    comment = b"\n".join(comments) if comments else image.info.get("comment")
    if isinstance(comment, str):
        comment = comment.encode()
    return comment if isinstance(comment, bytes) else None
