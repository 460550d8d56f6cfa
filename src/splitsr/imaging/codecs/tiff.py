"""A TIFF writer that keeps 16 bits and EXIF.

Pillow writes no 16-bit RGB, and its libtiff writer no Exif directory. The writer here lays out
strips (Deflate with the horizontal predictor, as Adobe's TIFF technical notes of 1992 and 2002
have them).
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from fractions import Fraction
from itertools import accumulate
from math import ceil
from typing import TYPE_CHECKING, Any, BinaryIO

from splitsr.errors import ImageWriteError
from splitsr.imaging.metadata.exif import top_fields
from splitsr.imaging.metadata.ifd import LONG, SHORT, Field, header, pack_directory
from splitsr.imaging.rows import Strips

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from splitsr.imaging.metadata.metadata import Metadata

_STRIP_BYTES = 1 << 20
_MAX_FILE_BYTES = 2**32 - 1
_DEFLATE = 8
_ORIENTATION, _OFFSETS, _SIZES = 274, 273, 279
_DESCRIPTION, _XMP, _IPTC, _ICC = 270, 700, 33723, 34675
# Tags of an EXIF block that lay out pixels or a thumbnail, and the ones set from elsewhere.
_LAYOUT_TAGS = frozenset(
    {254, 255, 256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 282, 283, 284, 296, 317}
    | {320, 322, 323, 324, 325, 330, 338, 339, 347, 512, 513, 514, 529, 530, 531, 532}
    | {_XMP, _IPTC, 34377, _ICC, 0xA005, *range(50706, 51200)}  # the last ones mark a camera raw
)


class TiffEncoder:
    """Writes a TIFF as its rows come.

    The file begins with the EXIF block, unchanged but for the place of the first directory, and has
    its byte order. So all that the block says by offsets, a MakerNote too, is where it was.
    """

    def __init__(
        self, stream: BinaryIO, shape: tuple[int, int, int], depth: int, metadata: Metadata
    ) -> None:
        """Writes the directory, strips still empty: its length does not depend on them.

        Args:
            stream: where to; seekable.
            shape: height, width and channels: 1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha.
            depth: bits a sample, 8 or 16.
            metadata: EXIF, ICC profile, XMP, IPTC, DPI and comment are kept.
        """
        rows = max(1, _STRIP_BYTES // (shape[1] * shape[2] * depth // 8))
        self._stream, self._strips = stream, Strips(rows)
        self._sizes: list[int] = []
        self._block, self._order, self._fields = _say(metadata)
        for tag, values in _layout(shape, depth, rows).items():
            self._fields[tag] = _numbers(self._order, tag, values)
        self._write_head([0] * ceil(shape[0] / rows))

    def write(self, band: NDArray[Any]) -> None:
        """Takes the next rows, (h, width, channels) uint8 or uint16.

        Raises:
            ImageWriteError: the file would be larger than TIFF's 4 GiB.
        """
        self._write(list(self._strips.feed(band)))

    def finish(self) -> None:
        """Writes the rest, and the directory once more.

        Raises:
            ImageWriteError: as `write`.
        """
        self._write(list(self._strips.flush()))
        self._stream.seek(0)
        self._write_head(self._sizes)
        self._stream.seek(0, io.SEEK_END)

    def _write_head(self, sizes: list[int]) -> None:
        first = len(self._block)
        start = 0
        for _ in range(2):  # its length is known once it is made
            places = tuple(accumulate(sizes[:-1], initial=start))
            strips = (
                _numbers(self._order, _OFFSETS, places),
                _numbers(self._order, _SIZES, tuple(sizes)),
            )
            directory = pack_directory(self._order, (*self._fields.values(), *strips), first)
            start = first + len(directory)
        self._stream.write(header(self._order, first) + self._block[8:] + directory)

    def _write(self, strips: list[NDArray[Any]]) -> None:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for content in pool.map(self._encode_strip, strips):
                self._sizes.append(len(content))
                self._stream.write(content)
        if sum(self._sizes) > _MAX_FILE_BYTES - _STRIP_BYTES:
            raise ImageWriteError("the image needs more than the 4 GiB of a TIFF file; write PNG")

    def _encode_strip(self, rows: NDArray[Any]) -> bytes:
        differences = rows.copy()
        differences[:, 1:] -= rows[:, :-1]
        stored = differences.astype(self._order + rows.dtype.str[1:], copy=False)
        return zlib.compress(stored.data, 1)


def _say(metadata: Metadata) -> tuple[bytes, str, dict[int, Field]]:
    """What the file begins with, its byte order, and what its directory says of the image."""
    block, order, fields = bytes(8), "<", dict[int, Field]()
    if metadata.exif:
        with suppress(struct.error):
            order, fields = top_fields(metadata.exif)
            block = metadata.exif + bytes(len(metadata.exif) % 2)
    said = {tag: field for tag, field in fields.items() if tag not in _LAYOUT_TAGS}
    return block, order, said | {field.tag: field for field in _described(metadata, order, said)}


def _layout(shape: tuple[int, int, int], depth: int, rows: int) -> dict[int, tuple[int, ...]]:
    """The numbers that say how the pixels lie, by tag."""
    height, width, channels = shape
    numbers = {
        256: (width,),
        257: (height,),
        258: (depth,) * channels,
        259: (_DEFLATE,),
        262: (1 if channels < 3 else 2,),
        274: (1,),
        277: (channels,),
        278: (rows,),
        284: (1,),
        317: (2,),
    }
    return numbers | {338: (2,)} if channels in (2, 4) else numbers  # unassociated alpha


def _described(metadata: Metadata, order: str, said: dict[int, Field]) -> Iterator[Field]:
    """What the image is, besides what its EXIF has said."""
    comment = metadata.any_comment()
    if comment and _DESCRIPTION not in said:
        text = comment.rstrip(b"\0") + b"\0"
        yield Field(_DESCRIPTION, 2, len(text), text)
    for tag, kind, content in (
        (_XMP, 1, metadata.xmp),
        (_IPTC, 7, metadata.iptc),
        (_ICC, 7, metadata.icc_profile),
    ):
        if content:
            yield Field(tag, kind, len(content), content)
    if metadata.dpi:
        for tag, number in zip((282, 283), metadata.dpi, strict=True):
            parts = Fraction(number).limit_denominator(1000).as_integer_ratio()
            yield Field(tag, 5, 1, struct.pack(f"{order}2L", *parts))
        yield _numbers(order, 296, (2,))


def _numbers(order: str, tag: int, values: tuple[int, ...]) -> Field:
    is_short = tag not in (_OFFSETS, _SIZES) and max(values) <= 65_535  # theirs may grow
    code = "H" if is_short else "L"
    data = struct.pack(f"{order}{len(values)}{code}", *values)
    return Field(tag, SHORT if is_short else LONG, len(values), data)
