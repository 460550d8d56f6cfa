"""PNG as Pillow reads it, without the chunks that are none of the pixels'.

Pillow refuses a PNG whose text is long or damaged, though every pixel is there. It is therefore
given a file without the chunks that it need not see (PNG, third edition, section 5.4).
"""

from __future__ import annotations

import io
import struct
import zlib
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from typing import TYPE_CHECKING, BinaryIO, cast

from PIL import PngImagePlugin

from splitsr.imaging.codecs.png_chunks import MOST_BYTES, Chunk

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_SIGNATURE_BYTES = 8
# What decides about pixels and frames; the other chunks with a lower-case letter first do not.
_PIXELS = frozenset({b"tRNS", b"acTL", b"fcTL", b"fdAT"})


class PngPixels(PngImagePlugin.PngImageFile):
    """Pillow's reader, which sees the chunks of the pixels alone."""

    def _open(self) -> None:
        self._file = cast("BinaryIO", self.fp)
        spans, self._others = _survey(self._file)
        self.fp = io.BufferedReader(_Spans(self._file, spans))
        super()._open()

    def chunks(self) -> Iterator[tuple[Chunk, bool]]:
        """The other chunks, in order, and whether each is sound; huge ones have no content."""
        for kind, at, size in self._others:
            self._file.seek(at)
            body = self._file.read(size + 4) if size <= MOST_BYTES else b""
            content, checksum = body[:-4], int.from_bytes(body[-4:])
            sound = bool(body) and zlib.crc32(content, zlib.crc32(kind)) == checksum
            yield Chunk(kind, content), sound


def _survey(file: BinaryIO) -> tuple[list[tuple[int, int]], list[tuple[bytes, int, int]]]:
    """Start and end of what Pillow is to see; type, start and size of the other chunks."""
    spans, others = [(0, _SIGNATURE_BYTES)], []
    at, end = _SIGNATURE_BYTES, file.seek(0, io.SEEK_END)
    while at < end:
        file.seek(at)
        size, kind = struct.unpack(">L4s", file.read(8).ljust(8, b"\0"))
        after = min(at + 12 + size, end)
        if kind.isalpha() and kind[:1].islower() and kind not in _PIXELS:
            others.append((kind, at + 8, size))
        elif spans[-1][1] == at:
            spans[-1] = (spans[-1][0], after)
        else:
            spans.append((at, after))
        at = after
    file.seek(0)
    return spans, others


class _Spans(io.RawIOBase):
    """Parts of a file as one file."""

    def __init__(self, file: BinaryIO, spans: list[tuple[int, int]]) -> None:
        self._file, self._spans, self._at = file, spans, 0
        self._ends = list(accumulate(stop - start for start, stop in spans))

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = (0, self._at, self._ends[-1])[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: WriteableBuffer) -> int:
        index = bisect_right(self._ends, self._at)
        if index == len(self._ends):
            return 0
        left = self._ends[index] - self._at
        view = memoryview(buffer).cast("B")
        self._file.seek(self._spans[index][1] - left)
        content = self._file.read(min(left, len(view)))
        view[: len(content)] = content
        self._at += len(content)
        return len(content)
