"""EXIF blocks: read within bounds, changed in place, and collected from TIFF files.

Writing a block anew moves its parts, and breaks the absolute offsets inside a MakerNote. Setting
single numbers where they stand keeps every other byte.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import BinaryIO

from splitsr.imaging.metadata.ifd import (
    EXIF_IFD,
    GPS_IFD,
    INTEGERS,
    LONG,
    SHORT,
    Directories,
    Entry,
    Field,
    directories,
    header,
    pack_directory,
)

ORIENTATION = 0x0112
_INTEROP_IFD = 0xA005
_WIDTH_TAGS = (0x0100, 0xA002)  # in IFD0 and in the Exif IFD
_HEIGHT_TAGS = (0x0101, 0xA003)
_PREFIX = b"Exif\x00\x00"
# TIFF keeps its EXIF among the tags that lay out the pixels; these are the ones that describe.
_DESCRIPTIVE_TAGS = (
    *(269, 270, 271, 272, 285, 305, 306, 315, 316, 18246, 18249, 33432),
    *range(40091, 40096),
)


def strip_prefix(block: bytes) -> bytes:
    """Remove the JPEG marker's `Exif` prefix, so that a block starts with its TIFF header."""
    return block.removeprefix(_PREFIX)


def add_prefix(block: bytes) -> bytes:
    """Put the prefix that a JPEG marker needs before a block."""
    return _PREFIX + block


def orientation(block: bytes) -> int:
    """How the pixels are to be turned, 1 to 8; 1 where a block does not say, or says no number."""
    with suppress(struct.error):
        found = directories(block)
        for entry in found.entries(found.first):
            if entry.tag == ORIENTATION and _is_number(entry):
                (value,) = struct.unpack_from(
                    found.order + INTEGERS[entry.kind], block, entry.at + 8
                )
                return value if 1 <= value <= 8 else 1
    return 1


def upright(block: bytes, *, turned: bool) -> bytes | None:
    """Reset the orientation tag to 1, for pixels that stand upright.

    Args:
        block: EXIF, starting with its TIFF header.
        turned: whether the pixels were turned; the embedded thumbnail was not, and is unlinked.

    Returns:
        The block, every other byte as it was; None if it is damaged, as its orientation would
        then turn the image a second time.
    """
    changed = bytearray(block)
    try:
        found = directories(block)
        entries = found.entries(found.first)
        for entry in entries:
            if entry.tag == ORIENTATION:
                _set_number(changed, found.order, entry, 1)
        if turned:
            link = found.first + 2 + 12 * len(entries)
            changed[link : link + 4] = bytes(len(changed[link : link + 4]))
    except struct.error:
        return None
    return bytes(changed)


def with_size(block: bytes, height: int, width: int) -> bytes:
    """Set the pixel sizes that a block states, where it states them as numbers."""
    changed = bytearray(block)
    values = dict.fromkeys(_WIDTH_TAGS, width) | dict.fromkeys(_HEIGHT_TAGS, height)
    with suppress(struct.error):
        found = directories(block)
        for entry in _picture_entries(found):
            if entry.tag in values and _is_number(entry):
                _set_number(changed, found.order, entry, values[entry.tag])
    return bytes(changed)


def from_tiff(stream: BinaryIO) -> bytes | None:
    """Collect what a TIFF file's directories say besides the pixels' layout.

    Args:
        stream: the file, seekable.

    Returns:
        A block; None where there is nothing to say.
    """
    try:
        found = Directories(stream)
        fields = found.fields(found.first)
    except struct.error:
        return None
    kept = [fields[tag] for tag in _DESCRIPTIVE_TAGS if tag in fields]
    below = {
        tag: list(sub.values())
        for tag in (EXIF_IFD, GPS_IFD)
        if tag in fields and (sub := _sub_directory(found, fields[tag]))
    }
    return _build(found.order, kept, below) if kept or below else None


def top_fields(block: bytes) -> tuple[str, dict[int, Field]]:
    """Byte order of a block, and what its first directory says.

    Raises:
        struct.error: it is damaged.
    """
    found = directories(block)
    fields = found.fields(found.first)
    for tag in (EXIF_IFD, GPS_IFD):
        if tag in fields and not _sub_directory(found, fields[tag]):
            del fields[tag]
    return found.order, fields


def _picture_entries(found: Directories) -> Iterator[Entry]:
    """The entries of the first directory and of its Exif directory."""
    yield from found.entries(found.first)
    ifd = found.fields(found.first).get(EXIF_IFD)
    at = found.number(ifd) if ifd else None
    if at is not None and at != found.first:
        yield from found.entries(at)


def _sub_directory(found: Directories, pointer: Field) -> Mapping[int, Field]:
    at = found.number(pointer)
    with suppress(struct.error):
        if at is not None and at != found.first:
            fields = found.fields(at)
            return {tag: field for tag, field in fields.items() if tag != _INTEROP_IFD}
    return {}


def _is_number(entry: Entry) -> bool:
    return entry.values == 1 and entry.kind in INTEGERS


def _set_number(block: bytearray, order: str, entry: Entry, value: int) -> None:
    """Set an entry's value; to another type where its own is none or too small for it."""
    kind = entry.kind if _is_number(entry) else SHORT
    if value >= 1 << 8 * struct.calcsize(INTEGERS[kind]):
        kind = LONG
    if kind != entry.kind or entry.values != 1:
        struct.pack_into(f"{order}HLL", block, entry.at + 2, kind, 1, 0)
    struct.pack_into(order + INTEGERS[kind], block, entry.at + 8, value)


def _build(order: str, fields: list[Field], below: Mapping[int, list[Field]]) -> bytes:
    def pointer(tag: int, at: int) -> Field:
        return Field(tag, LONG, 1, struct.pack(f"{order}L", at))

    at = 8 + len(pack_directory(order, [*fields, *(pointer(tag, 0) for tag in below)], 8))
    subs = b""
    for tag, sub in below.items():
        fields = [*fields, pointer(tag, at + len(subs))]
        subs += pack_directory(order, sub, at + len(subs))
    return header(order, 8) + pack_directory(order, fields, 8) + subs
