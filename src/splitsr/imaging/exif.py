"""EXIF blocks, changed in place.

Writing a block anew moves its parts, and breaks the absolute offsets inside a MakerNote. Setting
single numbers where they stand keeps every other byte.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

ORIENTATION = 0x0112
EXIF_IFD = 0x8769
_WIDTH_TAGS = (0x0100, 0xA002)  # in IFD0 and in the Exif IFD
_HEIGHT_TAGS = (0x0101, 0xA003)
_INTEGER_CODES = {1: "B", 3: "H", 4: "L"}
_PREFIX = b"Exif\x00\x00"


def strip_prefix(block: bytes) -> bytes:
    """Remove the JPEG marker's `Exif` prefix, so that a block starts with its TIFF header."""
    return block.removeprefix(_PREFIX)


def add_prefix(block: bytes) -> bytes:
    """Put the prefix that a JPEG marker needs before a block."""
    return _PREFIX + block


def _entries(block: bytes | bytearray, order: str, ifd: int) -> Iterator[tuple[int, int, int]]:
    """Yield (tag, type, offset of the value) of each entry of one value."""
    (count,) = struct.unpack_from(f"{order}H", block, ifd)
    for position in range(ifd + 2, ifd + 2 + 12 * count, 12):
        tag, kind, values = struct.unpack_from(f"{order}HHL", block, position)
        if values == 1:
            yield tag, kind, position + 8


def _header(block: bytes | bytearray) -> tuple[str, int]:
    """Read the byte order and the offset of the first directory."""
    order = {b"II": "<", b"MM": ">"}.get(bytes(block[:2]))
    if order is None:
        raise struct.error("no TIFF header")
    (ifd,) = struct.unpack_from(f"{order}L", block, 4)
    return order, ifd


def _set_integers(block: bytearray, values: Mapping[int, int]) -> None:
    order, first = _header(block)
    directories = [first]
    for ifd in directories:
        for tag, kind, at in _entries(block, order, ifd):
            if tag == EXIF_IFD and ifd == first:
                directories += struct.unpack_from(f"{order}L", block, at)
            elif tag in values and kind in _INTEGER_CODES:
                struct.pack_into(order + _INTEGER_CODES[kind], block, at, values[tag])


def _unlink_thumbnail(block: bytearray) -> None:
    order, ifd = _header(block)
    (count,) = struct.unpack_from(f"{order}H", block, ifd)
    struct.pack_into(f"{order}L", block, ifd + 2 + 12 * count, 0)


def upright(block: bytes, *, turned: bool) -> bytes | None:
    """Reset the orientation tag to 1, for pixels that stand upright.

    Args:
        block: EXIF, starting with its TIFF header.
        turned: whether the pixels were turned; the embedded thumbnail was not, and is unlinked.

    Returns:
        The block, every other byte as it was; None if it is damaged, as its orientation would
        then turn the picture a second time.
    """
    changed = bytearray(block)
    try:
        _set_integers(changed, {ORIENTATION: 1})
        if turned:
            _unlink_thumbnail(changed)
    except struct.error:
        return None
    return bytes(changed)


def with_size(block: bytes, height: int, width: int) -> bytes:
    """Set the pixel sizes that a block states, where it states them.

    A size too large for its field's type leaves the block as it was.
    """
    changed = bytearray(block)
    values = dict.fromkeys(_WIDTH_TAGS, width) | dict.fromkeys(_HEIGHT_TAGS, height)
    try:
        _set_integers(changed, values)
    except struct.error:
        return block
    return bytes(changed)
