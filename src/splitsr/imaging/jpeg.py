"""A JPEG writer that takes strips of rows.

libjpeg, through Pillow, encodes each strip as a picture of its own; what lies between their headers
and ends is joined by restart markers (ITU-T T.81, section E.1.4), at which a decoder begins anew
just as at the start of a picture. So the strips' pixels are those of the picture encoded whole, no
more than a few strips are in memory, and the cores share the work.
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from math import ceil
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from splitsr.imaging.rows import Strips

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BLOCK = 8  # rows and columns of a coded unit at full colour resolution
_MOST_UNITS = 65_535  # between restart markers
_STRIP_BYTES = 1 << 21
_FRAME, _SCAN = 0xC0, 0xDA
_END = b"\xff\xd9"


class JpegEncoder:
    """Writes a baseline JPEG strip by strip."""

    def __init__(
        self,
        stream: BinaryIO,
        shape: tuple[int, int, int],
        quality: int,
        options: Mapping[str, Any],
    ) -> None:
        """Writes nothing yet.

        Args:
            stream: where to.
            shape: height, width and channels, 1 or 3.
            quality: 1 to 100.
            options: of Pillow for the whole picture, metadata among them.
        """
        height, width, channels = shape
        units = ceil(width / _BLOCK)
        blocks = min(_MOST_UNITS // units, _STRIP_BYTES // (_BLOCK * width * channels))
        rows = _BLOCK * max(1, blocks)
        self._stream, self._height = stream, height
        self._interval = 0 if rows >= height else rows // _BLOCK * units
        self._strips = Strips(rows)
        self._quality, self._options = quality, dict(options)
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
            self._write_first(self._encode(strips.pop(0), self._options))
        plain = {"subsampling": self._options["subsampling"]}
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for content in pool.map(lambda strip: self._encode(strip, plain), strips):
                self._stream.write(bytes((0xFF, 0xD0 + (self._written - 1) % 8)))
                self._stream.write(memoryview(content)[_segments(content).data : -2])
                self._written += 1

    def _write_first(self, content: bytes) -> None:
        """Writes the picture's header and the first strip's scan."""
        found = _segments(content)
        head = bytearray(content)
        struct.pack_into(">H", head, found.frame + 5, self._height)  # marker, length, bit depth
        restart = struct.pack(">3H", 0xFFDD, 4, self._interval) if self._interval else b""
        self._stream.write(head[: found.scan] + restart)
        self._stream.write(head[found.scan : -2])
        self._written = 1

    def _encode(self, strip: NDArray[Any], options: Mapping[str, Any]) -> bytes:
        from PIL import Image

        image = Image.fromarray(strip[:, :, 0] if strip.shape[2] == 1 else strip)
        stream = io.BytesIO()
        image.save(stream, "JPEG", quality=self._quality, **options)
        return stream.getvalue()


class _Segments(NamedTuple):
    """Where the parts of a JPEG begin: frame header, scan header, entropy-coded data."""

    frame: int
    scan: int
    data: int


def _segments(content: bytes) -> _Segments:
    """Walks the markers of a JPEG that Pillow wrote: one frame, one scan."""
    position, frame = 2, 0
    while (marker := content[position + 1]) != _SCAN:
        if marker == _FRAME:
            frame = position
        position += 2 + int.from_bytes(content[position + 2 : position + 4])
    return _Segments(
        frame, position, position + 2 + int.from_bytes(content[position + 2 : position + 4])
    )
