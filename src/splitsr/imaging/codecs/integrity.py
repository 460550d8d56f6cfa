"""Is all of a file there?

Pillow accepts a PNG that ends early or lacks rows, does not check the checksums of pixel data, and
lets libjpeg fill what is missing with gray. These checks come before decoding.
"""

from __future__ import annotations

import struct
import zlib
from math import ceil
from typing import BinaryIO

from splitsr.errors import ImageReadError
from splitsr.imaging.codecs.jpeg_scans import check_jpeg

_CHUNK_MAX = 2**31 - 1
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# First column and row, and the steps, of each pass (PNG, third edition, section 8.2).
_WHOLE = ((0, 0, 1, 1),)
_ADAM7 = (
    *((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)),
    *((0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)),
)
_UNPACKED_BYTES = 1 << 20


def check_complete(stream: BinaryIO, format_name: str) -> None:
    """Refuse a PNG or JPEG that ends early, or a PNG with damaged pixel data.

    Other formats pass: their readers notice missing data.

    Args:
        stream: the file, seekable; it is read from its start.
        format_name: Pillow's name of its format.

    Raises:
        ImageReadError: a part is missing or damaged.
    """
    stream.seek(0)
    if format_name == "PNG":
        _check_png(stream)
    elif format_name == "JPEG":
        check_jpeg(stream.read())


def _check_png(stream: BinaryIO) -> None:
    stream.seek(8)
    expected, pixels = 0, _Unpacked()
    while True:
        head = stream.read(8)
        length, kind = struct.unpack(">L4s", head) if len(head) == 8 else (0, b"")
        body = stream.read(length + 4) if length <= _CHUNK_MAX else b""
        if len(body) < length + 4:
            raise ImageReadError("the PNG is truncated (it has no end chunk)")
        # Lower case marks a chunk that a reader may skip: a damaged one loses no pixel.
        if kind[:1].isupper() and zlib.crc32(body[:-4], zlib.crc32(kind)) != int.from_bytes(
            body[-4:]
        ):
            raise ImageReadError(f"the PNG is damaged (wrong checksum in {kind!r})")
        if kind == b"IHDR":
            expected = _png_bytes(body[:13])
        elif kind == b"IDAT" and pixels.count < expected:
            pixels.feed(body[:-4])
        elif kind == b"IEND":
            break
    if pixels.count < expected:
        raise ImageReadError(
            f"the PNG is truncated (of {expected} bytes of pixels it has {pixels.count})"
        )


def _png_bytes(header: bytes) -> int:
    """Bytes that the pixels of a PNG take, with one for each row's filter."""
    width, height, depth, colour, _, _, interlaced = struct.unpack(">LLBBBBB", header)
    bits = depth * _CHANNELS.get(colour, 0)  # Pillow refuses the others
    total = 0
    for left, top, across, down in _ADAM7 if interlaced else _WHOLE:
        columns, rows = ceil((width - left) / across), ceil((height - top) / down)
        if columns > 0 and rows > 0:
            total += rows * (1 + ceil(columns * bits / 8))
    return total


class _Unpacked:
    """Counts what compressed data hold, a little at a time."""

    def __init__(self) -> None:
        self.count = 0
        self._unpacker = zlib.decompressobj()

    def feed(self, content: bytes) -> None:
        try:
            while content and not self._unpacker.eof:
                self.count += len(self._unpacker.decompress(content, _UNPACKED_BYTES))
                content = self._unpacker.unconsumed_tail
        except zlib.error as error:
            raise ImageReadError(f"the PNG is damaged ({error})") from error
