"""TIFF files that are read a few strips at a time.

Each step copies some of the file's strips into a small TIFF of their own, whose directory says the
same of their coding, and lets Pillow decode that: all that it decodes whole it decodes in parts.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from PIL.TiffImagePlugin import ImageFileDirectory_v2 as Directory

from splitsr.errors import ImageReadError

if TYPE_CHECKING:
    from PIL import Image

_BAND_BYTES = 4 << 20
_WIDTH, _LENGTH, _BITS, _OFFSETS, _ROWS_PER_STRIP, _SIZES = 256, 257, 258, 273, 278, 279
_COMPRESSION, _PHOTOMETRIC, _ORIENTATION, _PLANES, _EXTRA = 259, 262, 274, 284, 338
# What says how samples are coded, and the strips' own places.
_CODING = (258, 259, 262, 266, 277, 284, 317, 339, 347, 530, 532)
# None, LZW, Deflate (old and new), PackBits, LZMA, Zstandard; of JPEG and fax a strip may depend
# on more than itself.
_UNCOMPRESSED = 1
_INDEPENDENT = frozenset({_UNCOMPRESSED, 5, 8, 32946, 32773, 34925, 50000})
_BLACK_OR_RGB = frozenset({1, 2})
_MODES = frozenset({"L", "RGB", "I;16", "I;16B"})


@dataclass(frozen=True)
class TiffStrips:
    """Where the strips of an image are.

    Attributes:
        path: the file.
        height: rows.
        width: columns.
        bits: of a sample.
        row_bytes: of a row of pixels, unpacked.
        rows: in a strip.
        offsets: of the strips in the file.
        sizes: of the strips, bytes.
        order: of the file's bytes, `II` or `MM`.
        coding: the tags that say how samples are coded.
    """

    path: str
    height: int
    width: int
    bits: int
    row_bytes: int
    rows: int
    offsets: tuple[int, ...]
    sizes: tuple[int, ...]
    order: bytes
    coding: dict[int, Any]

    @classmethod
    def of(cls, image: Image.Image, path: str) -> TiffStrips | None:
        """Finds the strips of an opened TIFF; None for one that has to be read whole."""
        tags = dict(getattr(image, "tag_v2", {}))
        offsets, sizes = tags.get(_OFFSETS, ()), tags.get(_SIZES, ())
        rows = min(tags.get(_ROWS_PER_STRIP, image.height), image.height)
        raw = tags.get(_COMPRESSION, _UNCOMPRESSED) == _UNCOMPRESSED
        plain = (
            image.mode in _MODES
            and tags.get(_COMPRESSION, _UNCOMPRESSED) in _INDEPENDENT
            and tags.get(_PHOTOMETRIC) in _BLACK_OR_RGB
            and tags.get(_ORIENTATION, 1) == 1
            and tags.get(_PLANES, 1) == 1
            and not tags.get(_EXTRA)
            and len(offsets) == ceil(image.height / rows)
            and (raw or (len(sizes) == len(offsets) > 1 and min(sizes) > 0))
        )
        if not plain:
            return None
        bits = max(tags.get(_BITS, (1,)))
        row_bytes = ceil(image.width * len(image.getbands()) * bits / 8)
        if raw:
            if len(offsets) == 1:  # so that any row can be found
                rows = max(1, _BAND_BYTES // row_bytes)
                offsets = tuple(
                    range(offsets[0], offsets[0] + image.height * row_bytes, rows * row_bytes)
                )
            # What the file says of them may count padding, or be nothing.
            sizes = tuple(
                min(rows, image.height - top) * row_bytes for top in range(0, image.height, rows)
            )
        coding = {tag: tags[tag] for tag in _CODING if tag in tags}
        prefix = image.tag_v2.prefix  # type: ignore[attr-defined]
        size = (image.height, image.width, bits, row_bytes)
        return cls(path, *size, rows, offsets, sizes, prefix, coding)

    def read(self, first: int, last: int) -> io.BytesIO:
        """A TIFF of the strips from `first` to before `last`.

        Raises:
            ImageReadError: a strip lies beyond the end of the file.
        """
        with Path(self.path).open("rb") as file:
            strips = [
                _read_at(file, self.offsets[index], self.sizes[index])
                for index in range(first, last)
            ]
        height = min(last * self.rows, self.height) - first * self.rows
        ifh = self.order + (b"*\0\0\0\0\0" if self.order == b"II" else b"\0*\0\0\0\0")
        directory = Directory(ifh=ifh)
        for tag, value in self.coding.items():
            directory[tag] = value
        directory[_WIDTH], directory[_LENGTH] = self.width, height
        directory[_ROWS_PER_STRIP] = self.rows
        directory.tagtype[_OFFSETS] = directory.tagtype[_SIZES] = 4
        sizes = [len(strip) for strip in strips]
        directory[_OFFSETS] = tuple(accumulate(sizes[:-1], initial=0))
        directory[_SIZES] = tuple(sizes)
        stream = io.BytesIO()
        directory.save(stream)
        stream.writelines(strips)
        stream.seek(0)
        return stream

    def steps(self) -> Iterator[tuple[int, int]]:
        """First and last strip of each step of a few megabytes."""
        count = max(1, _BAND_BYTES // (self.rows * self.row_bytes))
        for first in range(0, len(self.offsets), count):
            yield first, min(first + count, len(self.offsets))


def _read_at(file: BinaryIO, offset: int, size: int) -> bytes:
    file.seek(offset, os.SEEK_SET)
    content = file.read(size)
    if len(content) < size:
        raise ImageReadError("the TIFF is truncated (a strip lies beyond its end)")
    return content
