"""Is all of a PNG or JPEG there?

Pillow accepts a PNG that ends early once its rows are complete, does not check the checksums of
pixel data, and lets libjpeg fill what is missing with gray. These checks come before decoding.
"""

from __future__ import annotations

import re
import struct
import zlib
from typing import BinaryIO

from splitsr.errors import ImageReadError

_CHUNK_MAX = 2**31 - 1
# In entropy-coded data FF is followed by 00 (stuffing), a restart marker or another FF (fill).
_JPEG_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_END_OF_IMAGE = 0xD9
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})


def check_complete(stream: BinaryIO, name: str, format_name: str) -> None:
    """Refuse a PNG or JPEG that ends early, or a PNG with damaged pixel data.

    Other formats pass: Pillow's readers for them notice missing data.

    Args:
        stream: the file, seekable; it is read from its start.
        name: what to call the file in an error.
        format_name: Pillow's name of its format.

    Raises:
        ImageReadError: a part is missing or damaged.
    """
    stream.seek(0)
    if format_name == "PNG":
        _check_png(stream, name)
    elif format_name == "JPEG" and not _jpeg_ends(stream.read()):
        raise ImageReadError(f"{name}: the JPEG is truncated (it has no end-of-image marker)")


def _check_png(stream: BinaryIO, name: str) -> None:
    stream.seek(8)
    while True:
        head = stream.read(8)
        length, kind = struct.unpack(">L4s", head) if len(head) == 8 else (0, b"")
        body = stream.read(length + 4) if length <= _CHUNK_MAX else b""
        if len(body) < length + 4:
            raise ImageReadError(f"{name}: the PNG is truncated (it has no end chunk)")
        # Lower case marks a chunk that a reader may skip: a damaged one loses no pixel.
        if kind[:1].isupper() and zlib.crc32(body[:-4], zlib.crc32(kind)) != int.from_bytes(
            body[-4:]
        ):
            raise ImageReadError(f"{name}: the PNG is damaged (wrong checksum in {kind!r})")
        if kind == b"IEND":
            return


def _jpeg_ends(data: bytes) -> bool:
    """Walk the markers: an embedded thumbnail has an end marker of its own."""
    position = 2
    while (found := _JPEG_MARKER.search(data, position)) is not None:
        position = found.end()
        marker = data[position - 1]
        if marker == _END_OF_IMAGE:
            return True
        if marker not in _STANDALONE:
            # Covers a scan's header too; its data is skipped by the next search.
            position += int.from_bytes(data[position : position + 2])
    return False
