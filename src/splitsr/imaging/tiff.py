"""TIFF: what Pillow's reader lacks, and a writer that keeps 16 bits and EXIF.

Pillow writes no 16-bit RGB, and its libtiff writer no Exif directory. The writer here lays out
strips (Deflate with the horizontal predictor, as Adobe's TIFF technical notes of 1992 and 2002
have them) and leaves the directory to Pillow.
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate
from math import ceil
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from PIL import Image, TiffImagePlugin
from PIL.TiffImagePlugin import ImageFileDirectory_v2 as Directory

from splitsr.errors import ImageWriteError
from splitsr.imaging.exif import EXIF_IFD
from splitsr.imaging.rows import Strips

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from splitsr.imaging.metadata import Metadata

_STRIP_BYTES = 1 << 20
_MAX_FILE_BYTES = 2**32 - 1
_DEFLATE = 8
_GPS_IFD = 0x8825
# Tags of an EXIF block that lay out pixels or a thumbnail, and the ones set from elsewhere.
_LAYOUT_TAGS = frozenset(
    {254, 255, 256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 282, 283, 284, 296, 317}
    | {320, 322, 323, 324, 325, 330, 338, 339, 347, 512, 513, 514, 529, 530, 531, 532}
    | {700, 34675, 0xA005}
)


class UncheckedTiff(TiffImagePlugin.TiffImageFile):
    """Pillow's reader without its fixed pixel limit, which `read_photo` has checked by its own."""

    def load_prepare(self) -> None:
        """Make the picture's memory, so that the base class neither checks nor makes it."""
        if self._im is None:
            self.im = Image.new(self.mode, self._tile_size, None).im
        super().load_prepare()


def true_gray(image: Image.Image, gray: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Undo what Pillow leaves as stored: 12-bit samples, and 16-bit samples where 0 is white."""
    tags = getattr(image, "tag_v2", {})
    if tags.get(258) == (12,):
        gray = np.bitwise_or(gray << 4, gray >> 8, dtype=np.uint16)
    return ~gray if tags.get(262) == 0 else gray


class TiffEncoder:
    """Writes a little-endian TIFF as its rows come."""

    def __init__(
        self, stream: BinaryIO, shape: tuple[int, int, int], depth: int, metadata: Metadata
    ) -> None:
        """Writes the directory, strips still empty: its length does not depend on them.

        Args:
            stream: where to; seekable.
            shape: height, width and channels: 1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha.
            depth: bits a sample, 8 or 16.
            metadata: EXIF, ICC profile, XMP, DPI and comment are kept.
        """
        rows = max(1, _STRIP_BYTES // (shape[1] * shape[2] * depth // 8))
        self._stream, self._strips = stream, Strips(rows)
        self._sizes: list[int] = []
        self._directory = Directory()
        _describe(self._directory, metadata)
        _lay_out(self._directory, shape, depth, rows)
        _place_strips(self._directory, [0] * ceil(shape[0] / rows))
        self._directory.save(stream)

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
        _place_strips(self._directory, self._sizes)
        self._stream.seek(0)
        self._directory.save(self._stream)
        self._stream.seek(0, io.SEEK_END)

    def _write(self, strips: list[NDArray[Any]]) -> None:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for content in pool.map(_encode_strip, strips):
                self._sizes.append(len(content))
                self._stream.write(content)
        if sum(self._sizes) > _MAX_FILE_BYTES - _STRIP_BYTES:
            raise ImageWriteError("the picture needs more than the 4 GiB of a TIFF file; write PNG")


def _encode_strip(rows: NDArray[Any]) -> bytes:
    differences = rows.copy()
    differences[:, 1:] -= rows[:, :-1]
    return zlib.compress(differences.astype(rows.dtype.newbyteorder("<"), copy=False).data, 1)


def _lay_out(directory: Directory, shape: tuple[int, int, int], depth: int, rows: int) -> None:
    height, width, channels = shape
    directory[256], directory[257] = width, height
    directory[258] = (depth,) * channels
    directory[259], directory[317] = _DEFLATE, 2
    directory[262] = 1 if channels < 3 else 2
    directory[277], directory[278], directory[284] = channels, rows, 1
    directory[274] = 1
    if channels in (2, 4):
        directory[338] = 2  # unassociated alpha


def _place_strips(directory: Directory, sizes: list[int]) -> None:
    directory.tagtype[273] = directory.tagtype[279] = 4  # LONG, also where a SHORT would do
    # Counted from the end of the directory, where Directory.save() moves them.
    directory[273] = tuple(accumulate(sizes[:-1], initial=0))
    directory[279] = tuple(sizes)


def _describe(directory: Directory, metadata: Metadata) -> None:
    if metadata.exif:
        _copy_exif(directory, metadata.exif)
    comment = metadata.any_comment()
    if comment is not None and 270 not in directory:
        directory[270] = comment
    if metadata.icc_profile:
        directory[34675] = metadata.icc_profile
    if metadata.xmp:
        directory[700] = metadata.xmp
    if metadata.dpi:
        directory[282], directory[283] = metadata.dpi
        directory[296] = 2


def _copy_exif(directory: Directory, block: bytes) -> None:
    exif = Image.Exif()
    exif.load(block)
    for tag, value in exif.items():
        if tag not in _LAYOUT_TAGS and tag not in (EXIF_IFD, _GPS_IFD):
            # As bytes, or Pillow would make all but ASCII a question mark. (Below it does: the
            # types of a sub-directory's tags are guessed anew, and bytes would be no text.)
            is_text = isinstance(value, str)
            _copy_tag(directory, tag, value.encode("latin-1", "replace") if is_text else value)
    for tag in (EXIF_IFD, _GPS_IFD):
        sub = Directory(group=tag)
        for sub_tag, value in exif.get_ifd(tag).items():
            if sub_tag not in _LAYOUT_TAGS:
                _copy_tag(sub, sub_tag, value)
        if len(sub):
            directory[tag] = dict(sub)


def _copy_tag(directory: Directory, tag: int, value: object) -> None:
    """Take over a tag, unless its value fits no TIFF type: one odd tag must not cost the file."""
    probe = Directory(group=directory.group)
    try:
        probe[tag] = value
        probe.tobytes()
    except (struct.error, TypeError, ValueError, KeyError, AttributeError, OverflowError):
        return
    directory[tag] = value
