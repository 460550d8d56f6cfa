"""A JPEG writer that takes strips of rows.

libjpeg, through Pillow, encodes each strip as an image of its own; what lies between their headers
and ends is joined by restart markers (ITU-T T.81, section E.1.4), at which a decoder begins anew
just as at the start of an image. So the strips' pixels are those of the image encoded whole, no
more than a few strips are in memory, and the cores share the work.
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from math import ceil
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from splitsr.imaging.metadata.exif import add_prefix
from splitsr.imaging.metadata.iptc import PHOTOSHOP, as_resources
from splitsr.imaging.rows import Strips

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from splitsr.imaging.metadata.metadata import Metadata

_BLOCK = 8  # rows and columns of a coded unit at full colour resolution
_MOST_UNITS = 65_535  # between restart markers
_STRIP_BYTES = 1 << 21
_APP1, _APP2, _APP13, _COMMENT = 0xE1, 0xE2, 0xED, 0xFE
_FRAME, _SCAN = 0xC0, 0xDA
_MOST_BYTES = 65_533  # in a segment
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_ICC = b"ICC_PROFILE\0"
_MOST_ICC_PARTS = 255
_END = b"\xff\xd9"


class JpegEncoder:
    """Writes a baseline JPEG strip by strip."""

    def __init__(
        self,
        stream: BinaryIO,
        shape: tuple[int, int, int],
        quality: int,
        metadata: Metadata,
    ) -> None:
        """Writes nothing yet.

        Args:
            stream: where to.
            shape: height, width and channels, 1 or 3.
            quality: 1 to 100.
            metadata: each piece that fits its segments is kept.
        """
        height, width, channels = shape
        units = ceil(width / _BLOCK)
        blocks = min(_MOST_UNITS // units, _STRIP_BYTES // (_BLOCK * width * channels))
        rows = _BLOCK * max(1, blocks)
        self._stream, self._height = stream, height
        self._interval = 0 if rows >= height else rows // _BLOCK * units
        self._strips = Strips(rows)
        self._quality, self._metadata = quality, metadata
        self._written = 0

    def write(self, band: NDArray[Any]) -> None:
        """Takes the next rows, (h, width, channels) uint8."""
        self._write(list(self._strips.feed(band)))

    def finish(self) -> None:
        """Writes the end."""
        self._write(list(self._strips.flush()))
        self._stream.write(_END)

    def _write(self, strips: list[NDArray[Any]]) -> None:
        if strips and not self._written:
            self._write_first(self._encode(strips.pop(0), self._metadata.dpi))
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for content in pool.map(self._encode, strips):
                self._stream.write(bytes((0xFF, 0xD0 + (self._written - 1) % 8)))
                self._stream.write(memoryview(content)[_segments(content).data : -2])
                self._written += 1

    def _write_first(self, content: bytes) -> None:
        """Writes the image's header and the first strip's scan."""
        found = _segments(content)
        head = bytearray(content)
        struct.pack_into(">H", head, found.frame + 5, self._height)  # marker, length, bit depth
        restart = struct.pack(">3H", 0xFFDD, 4, self._interval) if self._interval else b""
        self._stream.write(head[: found.tables])
        self._stream.writelines(_metadata_segments(self._metadata))
        self._stream.write(head[found.tables : found.scan] + restart)
        self._stream.write(head[found.scan : -2])
        self._written = 1

    def _encode(self, strip: NDArray[Any], dpi: tuple[float, float] | None = None) -> bytes:
        from PIL import Image

        image = Image.fromarray(strip[:, :, 0] if strip.shape[2] == 1 else strip)
        stream = io.BytesIO()
        density = {"dpi": dpi} if dpi else {}
        image.save(stream, "JPEG", quality=self._quality, subsampling="4:4:4", **density)
        return stream.getvalue()


def _metadata_segments(metadata: Metadata) -> Iterator[bytes]:
    """Each piece of metadata that fits in segments, as JPEG readers expect it."""
    if metadata.exif:
        yield from _segment(_APP1, add_prefix(metadata.exif))
    if metadata.xmp:
        yield from _segment(_APP1, _XMP + metadata.xmp)
    if metadata.iptc:
        for part in _parts(as_resources(metadata.iptc), _MOST_BYTES - len(PHOTOSHOP)):
            yield from _segment(_APP13, PHOTOSHOP + part)
    profile = _parts(metadata.icc_profile or b"", _MOST_BYTES - len(_ICC) - 2)
    if len(profile) <= _MOST_ICC_PARTS:
        for number, part in enumerate(profile, 1):
            yield from _segment(_APP2, _ICC + bytes((number, len(profile))) + part)
    yield from _segment(_COMMENT, metadata.any_comment() or b"")


def _parts(content: bytes, size: int) -> list[bytes]:
    return [content[at : at + size] for at in range(0, len(content), size)]


def _segment(marker: int, content: bytes) -> Iterator[bytes]:
    if 0 < len(content) <= _MOST_BYTES:
        yield struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


class _Segments(NamedTuple):
    """Where parts begin: what follows the JFIF header, frame and scan header, coded data."""

    tables: int
    frame: int
    scan: int
    data: int


def _segments(content: bytes) -> _Segments:
    """Walks the markers of a JPEG that Pillow wrote: one frame, one scan."""
    tables = position = 4 + int.from_bytes(content[4:6])
    frame = 0
    while (marker := content[position + 1]) != _SCAN:
        if marker == _FRAME:
            frame = position
        position += 2 + int.from_bytes(content[position + 2 : position + 4])
    data = position + 2 + int.from_bytes(content[position + 2 : position + 4])
    return _Segments(tables, frame, position, data)
