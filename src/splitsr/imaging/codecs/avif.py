"""AVIF: the colours that a file states, and EXIF blocks that stay as they are.

Boxes are those of ISO/IEC 14496-12, items and properties those of ISO/IEC 23008-12 (HEIF).
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO, NamedTuple, cast

from PIL import AvifImagePlugin, Image

from splitsr.imaging.metadata.exif import strip_prefix

_EXIF_ITEM = re.compile(rb"(infe[\x02\x03].{7,9})Exif", re.DOTALL)


class AvifMetadata(NamedTuple):
    """What an AVIF carries.

    Attributes:
        icc_profile: ICC profile, or None.
        exif: EXIF block from its TIFF header on, or None.
        orientation: how the pixels are to be turned, as EXIF counts; the block's own is void.
        xmp: XMP packet, or None.
        colours: primaries and transfer of the primary item (CICP), or None.
        has_gain_map: whether a gain map goes with the image.
    """

    icc_profile: bytes | None
    exif: bytes | None
    orientation: int
    xmp: bytes | None
    colours: tuple[int, int] | None
    has_gain_map: bool


class AvifPicture(AvifImagePlugin.AvifImageFile):
    """Pillow's reader, which gives the EXIF block as it is, and reads no more of it."""

    def _open(self) -> None:
        self._data = cast("BinaryIO", self.fp).read()
        try:
            self._try(self._data)
        except ValueError:  # libavif refuses a file whose EXIF has no header
            self._try(_EXIF_ITEM.sub(rb"\1none", self._data))

    def _try(self, data: bytes) -> None:
        self.fp = io.BytesIO(data)
        try:
            super()._open()
        except Exception:  # Pillow's EXIF code raises nearly anything, after it has its decoder
            if not hasattr(self, "_decoder"):
                raise
            self.seek(0)

    def metadata(self) -> AvifMetadata:
        """What the file carries."""
        icc, exif, orientation, xmp = self._decoder.get_info()[-4:]
        colours, has_gain_map = _read_meta(self._data)
        block = strip_prefix(exif) if exif else None
        return AvifMetadata(icc, block, orientation, xmp, colours, has_gain_map)


class VerbatimExif(Image.Exif):
    """An EXIF block for Pillow's writer, which would write one that has an orientation anew."""

    def __init__(self, block: bytes) -> None:
        """Takes the block."""
        super().__init__()
        self._block = block

    def __bool__(self) -> bool:
        """Whether there is something to write."""
        return True

    def tobytes(self, offset: int = 8) -> bytes:  # noqa: ARG002 (Pillow's)
        """The block."""
        return self._block


def _read_meta(data: bytes) -> tuple[tuple[int, int] | None, bool]:
    with suppress(struct.error, StopIteration, IndexError):
        meta = _box(data, b"meta")[4:]
        properties = _box(meta, b"iprp")
        listed = [(kind, content) for kind, content in boxes(_box(properties, b"ipco"))]
        own = _properties_of(_primary_item(meta), _box(properties, b"ipma"))
        found = None
        for kind, content in (listed[index - 1] for index in own if 0 < index <= len(listed)):
            if kind == b"colr" and content[:4] == b"nclx":
                found = struct.unpack_from(">HH", content, 4)
        return found, b"tmap" in _box(meta, b"iinf")
    return None, False


def boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The kinds and contents of the boxes that data consist of, as far as they are sound."""
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">L4s", data, at)
        head = 8
        if size == 1:
            (size,), head = struct.unpack_from(">Q", data, at + 8), 16
        elif size == 0:
            size = len(data) - at
        if size < head:
            return
        yield kind, data[at + head : at + size]
        at += size


def _box(data: bytes, wanted: bytes) -> bytes:
    return next(content for kind, content in boxes(data) if kind == wanted)


def _primary_item(meta: bytes) -> int:
    content = _box(meta, b"pitm")
    (item,) = struct.unpack_from(">L" if content[0] else ">H", content, 4)
    return int(item)


def _properties_of(item: int, content: bytes) -> list[int]:
    """Numbers of an item's properties, from 1 on."""
    wide, large = content[0] > 0, content[3] & 1
    (count,) = struct.unpack_from(">L", content, 4)
    at = 8
    for _ in range(count):
        found, number = struct.unpack_from(">LB" if wide else ">HB", content, at)
        at += 5 if wide else 3
        numbers = struct.unpack_from(f">{number}{'H' if large else 'B'}", content, at)
        at += number * (2 if large else 1)
        if found == item:
            return [each & (0x7FFF if large else 0x7F) for each in numbers]
    return []
