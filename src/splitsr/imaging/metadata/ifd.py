"""Directories of TIFF files and of EXIF blocks, which are small TIFF files (TIFF 6.0, section 2).

Values stay bytes in the file's byte order: what is not understood is not changed. Whatever a file
says, a directory is read once, entry by entry, and nothing beyond the file's end.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable
from typing import BinaryIO, NamedTuple

EXIF_IFD, GPS_IFD = 0x8769, 0x8825
SHORT, LONG = 3, 4
INTEGERS = {1: "B", SHORT: "H", LONG: "L", 13: "L"}
_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_CLASSIC, _BIG = 42, 43
_MOST_ENTRIES = 65_535
_MOST_BYTES = 1 << 26


class Entry(NamedTuple):
    """A directory's entry: where it is, its tag, type and number of values."""

    at: int
    tag: int
    kind: int
    values: int


class Field(NamedTuple):
    """A tag, its type and number of values, and those as bytes in the file's byte order."""

    tag: int
    kind: int
    values: int
    data: bytes


class Directories:
    """Reads the directories of a TIFF or BigTIFF file."""

    def __init__(self, stream: BinaryIO) -> None:
        """Reads the header.

        Args:
            stream: the file, seekable.

        Raises:
            struct.error: there is no TIFF header.
        """
        self._stream, self._left = stream, _MOST_BYTES
        head = self._read(0, 16)
        order = {b"II": "<", b"MM": ">"}.get(head[:2])
        if order is None:
            raise struct.error("no TIFF header")
        self.order = order
        (magic,) = struct.unpack_from(f"{order}H", head, 2)
        if magic not in (_CLASSIC, _BIG):
            raise struct.error("no TIFF header")
        self.is_big = magic == _BIG
        self._size, self._count = ("Q", "Q") if self.is_big else ("L", "H")
        self._entry = struct.Struct(f"{order}HH{self._size}")
        self._value_bytes = struct.calcsize(f"<{self._size}")
        (self.first,) = struct.unpack_from(order + self._size, head, 8 if self.is_big else 4)

    def entries(self, ifd: int) -> list[Entry]:
        """The entries of the directory at an offset.

        Raises:
            struct.error: it is not all there.
        """
        head = struct.Struct(self.order + self._count)
        (count,) = head.unpack(self._read(ifd, head.size))
        if count > _MOST_ENTRIES:
            raise struct.error("too many entries")
        step = self._entry.size + self._value_bytes
        start = ifd + head.size
        content = self._read(start, count * step)
        return [
            Entry(start + at, *self._entry.unpack_from(content, at))
            for at in range(0, count * step, step)
        ]

    def fields(self, ifd: int) -> dict[int, Field]:
        """What a directory says, by tag; without values of unknown types or beyond the end.

        Raises:
            struct.error: the directory is not all there.
        """
        found: dict[int, Field] = {}
        for entry in self.entries(ifd):
            size = _BYTES.get(entry.kind, 0) * entry.values
            if not size or entry.tag in found or size > self._left:
                continue
            data = self._read(self._place(entry, size), size)
            self._left -= len(data)
            if len(data) == size:
                found[entry.tag] = Field(*entry[1:], data)
        return found

    def following(self, ifd: int) -> int:
        """Where the next directory of the chain is; 0 behind the last one.

        Raises:
            struct.error: it is not all there.
        """
        count = len(self.entries(ifd))
        step = self._entry.size + self._value_bytes
        at = ifd + struct.calcsize(f"={self._count}") + count * step
        (place,) = struct.unpack(self.order + self._size, self._read(at, self._value_bytes))
        return int(place)

    def number(self, field: Field) -> int | None:
        """The value of a field that is one integer; None for others."""
        if field.values != 1 or field.kind not in INTEGERS:
            return None
        (value,) = struct.unpack(self.order + INTEGERS[field.kind], field.data)
        return int(value)

    def _place(self, entry: Entry, size: int) -> int:
        at = entry.at + self._entry.size
        if size <= self._value_bytes:
            return at
        (place,) = struct.unpack(self.order + self._size, self._read(at, self._value_bytes))
        return int(place)

    def _read(self, at: int, size: int) -> bytes:
        try:
            self._stream.seek(at)
            return self._stream.read(size)
        except (OverflowError, ValueError, OSError):  # offsets that no file has
            return b""


def directories(block: bytes | bytearray) -> Directories:
    """Reads the directories of a block in memory.

    Raises:
        struct.error: it has no TIFF header, or a BigTIFF's, which no EXIF has.
    """
    found = Directories(io.BytesIO(block))
    if found.is_big:
        raise struct.error("a BigTIFF header")
    return found


def header(order: str, first: int) -> bytes:
    """The 8 bytes that a TIFF file begins with.

    Args:
        order: `<` for little-endian, `>` for big-endian.
        first: offset of the first directory.
    """
    return struct.pack(f"{order}2sHL", b"II" if order == "<" else b"MM", _CLASSIC, first)


def pack_directory(order: str, fields: Iterable[Field], at: int) -> bytes:
    """Lays out a directory that is the last of its chain, and the values behind it.

    Args:
        order: as for `header`.
        fields: what it says, each tag once.
        at: the even offset that it will have.
    """
    ordered = sorted(fields)
    entries, values = bytearray(struct.pack(f"{order}H", len(ordered))), bytearray()
    behind = at + 2 + 12 * len(ordered) + 4
    for tag, kind, count, data in ordered:
        value = data.ljust(4, b"\0")
        if len(data) > 4:
            value = struct.pack(f"{order}L", behind + len(values))
            values += data + bytes(len(data) % 2)
        entries += struct.pack(f"{order}HHL4s", tag, kind, count, value)
    return bytes(entries + bytes(4) + values)
