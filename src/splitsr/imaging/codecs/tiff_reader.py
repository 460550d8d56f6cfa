"""A TIFF reader: Pillow's, with the checks that it lacks.

Pillow leaves black what no strip covers, takes the preview in a camera raw for the image, decodes a
few kinds of samples to other values than theirs, and lets libtiff write to standard error.
"""

from __future__ import annotations

import ctypes
import logging
from functools import cache
from math import ceil
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from PIL import Image, TiffImagePlugin, _imaging

from splitsr.errors import ImageReadError, UnsupportedImageError
from splitsr.imaging.codecs.formats import CAMERA_RAW
from splitsr.imaging.codecs.jpeg_scans import has_jpeg_rows
from splitsr.imaging.codecs.tiff_pages import count_pages, is_camera_raw

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_WIDTH, _LENGTH, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_STRIPS, _SAMPLES, _STRIP_ROWS, _STRIP_SIZES, _PLANES = 273, 277, 278, 279, 284
_TILE_WIDTH, _TILE_ROWS, _TILES, _TILE_SIZES = 322, 323, 324, 325
_EXTRA, _SAMPLE_FORMAT, _SUBSAMPLING = 338, 339, 530
_ORIENTATION = 274
_UNCOMPRESSED, _JPEG, _YCBCR = 1, 7, 6
_APART = 2
_GRAY_AND_ALPHA = 2
_KINDS = {
    0: "gray of which 0 is white",
    1: "gray",
    2: "RGB",
    3: "palette",
    5: "CMYK",
    6: "YCbCr",
    8: "Lab",
    9: "Lab",
}
_SAMPLE_FORMATS = {1: "", 2: "signed ", 3: "floating-point "}
_ADVICE = "save it as 8- or 16-bit gray or RGB"


class TiffReader(TiffImagePlugin.TiffImageFile):
    """Pillow's reader without its fixed pixel limit, which `read_photo` has checked by its own.

    Raises:
        ImageReadError: strips or tiles are missing.
        UnsupportedImageError: a camera raw, or a coding or samples that are not handled.
    """

    fp: BinaryIO

    @property
    def n_frames(self) -> int:
        """Pages that are images of their own."""
        return count_pages(self.fp)

    def getexif(self) -> Image.Exif:
        """Give the orientation alone, which Pillow applies: damage elsewhere costs no pixel."""
        exif = Image.Exif()
        orientation = self.tag_v2.get(_ORIENTATION)
        if orientation in range(2, 9):
            exif[_ORIENTATION] = orientation
        return exif

    def load_prepare(self) -> None:
        """Make the image's memory, so that the base class neither checks nor makes it."""
        if self._im is None:
            self.im = Image.new(self.mode, self._tile_size, None).im
        super().load_prepare()

    def _open(self) -> None:
        if is_camera_raw(self.fp):
            raise UnsupportedImageError(CAMERA_RAW)
        self.fp.seek(0)
        if self.fp.read(4) == b"MM\0+":
            raise UnsupportedImageError("a big-endian BigTIFF is not handled; save it as TIFF")
        self.fp.seek(0)
        super()._open()

    def _setup(self) -> None:
        tags = self.tag_v2
        _check_coding(tags.get(_COMPRESSION, _UNCOMPRESSED))
        try:
            super()._setup()
        except SyntaxError as error:
            if str(error) != "unknown pixel mode":
                raise
            raise UnsupportedImageError(f"{_describe(tags)} is not handled; {_ADVICE}") from error
        if self.mode == "L" and tags.get(_SAMPLE_FORMAT, (1,))[0] != 1:
            raise UnsupportedImageError(f"{_describe(tags)} is not handled; {_ADVICE}")
        _check_planes(tags)
        count = _count_parts(tags)
        if tags.get(_COMPRESSION, _UNCOMPRESSED) == _UNCOMPRESSED:
            self.tile = self.tile[:count]  # more of them would be laid over the first ones
        elif tags[_COMPRESSION] == _JPEG and tags.get(_PLANES) != _APART:
            _check_jpegs(self.fp, tags, count)


def true_gray(image: Image.Image, gray: NDArray[Any]) -> NDArray[Any]:
    """Undo what Pillow leaves as stored: 12 bits, 32 without a sign, and 16 where 0 is white."""
    tags = getattr(image, "tag_v2", {})
    if tags.get(_BITS) == (12,):
        gray = np.bitwise_or(gray << 4, gray >> 8, dtype=np.uint16)
    if gray.dtype == np.int32 and tags.get(_SAMPLE_FORMAT, (1,)) == (1,):
        gray = gray.view(np.uint32)
    return ~gray if tags.get(_PHOTOMETRIC) == 0 else gray


@cache
def _libtiff() -> ctypes.CDLL | None:
    """Pillow's libtiff, kept like its log from standard error; None where it cannot be reached."""
    logging.getLogger("PIL").addHandler(logging.NullHandler())
    library = ctypes.CDLL(_imaging.__file__)
    try:
        set_handler = library.TIFFSetErrorHandler
    except AttributeError:  # linked into Pillow without its names, as on Windows
        return None
    set_handler.argtypes, set_handler.restype = [ctypes.c_void_p], ctypes.c_void_p
    set_handler(None)
    return library


def _check_coding(coding: int) -> None:
    """Refuse a compression that the reader does not know or was built without."""
    library = _libtiff()
    name = TiffImagePlugin.COMPRESSION_INFO.get(coding)
    if name is None or (library and not library.TIFFIsCODECConfigured(ctypes.c_uint16(coding))):
        raise UnsupportedImageError(
            f"a TIFF of compression {coding}{f' ({name})' if name else ''} is not handled; "
            "save it with Deflate or LZW"
        )


def _describe(tags: Mapping[int, Any]) -> str:
    """Say what the samples are: `32-bit floating-point RGB with alpha`."""
    bits = max(tags.get(_BITS, (1,)))
    sort = _SAMPLE_FORMATS.get(tags.get(_SAMPLE_FORMAT, (1,))[0], "unusual ")
    photometric = tags.get(_PHOTOMETRIC, 0)
    kind = _KINDS.get(photometric, f"photometric {photometric}")
    extra = tags.get(_EXTRA, ())
    alpha = " with alpha" if set(extra) & {1, 2} else " with extra channels" if extra else ""
    return f"{bits}-bit {sort}{kind}{alpha}"


def _check_planes(tags: Mapping[int, Any]) -> None:
    """Refuse what Pillow decodes wrongly: deep planes as 8 bits, few chroma samples as many."""
    bits = tags.get(_BITS, (1,))
    if tags.get(_PLANES) == _APART and (max(bits) > 8 or tags.get(_SAMPLES) == _GRAY_AND_ALPHA):
        raise UnsupportedImageError(
            f"{_describe(tags)} in planes stored apart is not handled; "
            "save the TIFF with interleaved samples (planar configuration 1)"
        )
    raw_ycbcr = (tags.get(_PHOTOMETRIC), tags.get(_COMPRESSION, 1)) == (_YCBCR, _UNCOMPRESSED)
    if raw_ycbcr and len(bits) > 1 and tuple(tags.get(_SUBSAMPLING, (2, 2))) != (1, 1):
        raise UnsupportedImageError(f"subsampled YCbCr, uncompressed, is not handled; {_ADVICE}")


def _count_parts(tags: Mapping[int, Any]) -> int:
    """The number of strips or tiles that the image takes, all of which are to be there."""
    width, height = tags[_WIDTH], tags[_LENGTH]
    if _STRIPS in tags:
        offsets, across, down = tags[_STRIPS], width, tags.get(_STRIP_ROWS, height)
    else:
        offsets, across, down = tags[_TILES], tags[_TILE_WIDTH], tags[_TILE_ROWS]
    if across < 1 or down < 1:
        raise ImageReadError("the TIFF is damaged (its strips or tiles have no size)")
    planes = tags.get(_SAMPLES, 1) if tags.get(_PLANES) == _APART else 1
    count: int = planes * ceil(width / across) * ceil(height / down)
    if len(offsets) < count:
        raise ImageReadError(
            f"the TIFF is truncated (it has {len(offsets)} of its {count} strips or tiles)"
        )
    return count


def _check_jpegs(file: BinaryIO, tags: Mapping[int, Any], count: int) -> None:
    """Refuse strips whose JPEG is cut or lower than they are: libtiff fills them without a word."""
    tiled = _STRIPS not in tags
    offsets, sizes = (
        tags[_TILES if tiled else _STRIPS],
        tags[_TILE_SIZES if tiled else _STRIP_SIZES],
    )
    height = tags[_LENGTH]
    rows = tags[_TILE_ROWS] if tiled else min(tags.get(_STRIP_ROWS, height), height)
    for index, (offset, size) in enumerate(zip(offsets[:count], sizes, strict=False)):
        file.seek(offset)
        if not has_jpeg_rows(file.read(size), rows if tiled else min(rows, height - index * rows)):
            raise ImageReadError("the TIFF is truncated (a strip's or tile's JPEG ends early)")
