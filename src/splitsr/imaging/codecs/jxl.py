"""JPEG XL, by the optional package pillow-jxl-plugin.

Its reader decodes when it opens a file, and its writer states no colours but sRGB. So the header is
read here first (ISO/IEC 18181-1, annex D), and other colours are refused. Boxes are those of
ISO/IEC 18181-2.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast

import brotli
import numpy as np
from PIL import Image, ImageChops, ImageCms, ImageFile, JpegImagePlugin
from pillow_jxl import Decoder, Encoder

from splitsr.errors import ImageReadError, ImageWriteError
from splitsr.imaging.codecs.avif import boxes
from splitsr.imaging.codecs.encode import MODES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from splitsr.imaging.metadata.metadata import Metadata

_EFFORT = 4  # 9 times faster than the default of 7, at files of the same size
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_MOST_METADATA = 1 << 24
_NEARLY = 4  # levels
_BOXES = {b"Exif": "exif", b"xml ": "xmp"}


class _Header(NamedTuple):
    width: int
    height: int
    is_animated: bool


class JxlPicture(ImageFile.ImageFile):
    """A reader that knows the size of an image before it decodes it.

    Attributes:
        holds_jpeg: once it is loaded, whether the file was made of a JPEG, which has then been
            decoded in its place.
    """

    format = "JXL"
    holds_jpeg = False

    def _open(self) -> None:
        self._data = cast("BinaryIO", self.fp).read()
        header = _read_header(_codestream(self._data))
        self._mode, self._size = "RGB", (header.width, header.height)
        self.n_frames = 1 + header.is_animated

    def load(self) -> Any:  # noqa: ANN401 (Pillow's)
        """Decodes the image and what goes with it."""
        if self._data:
            data, self._data = self._data, b""
            image = self._decode(data)
            image.load()
            self.im, self.info = image.im, image.info
            self._mode, self._size = image.mode, image.size
        return Image.Image.load(self)

    def _decode(self, data: bytes) -> Image.Image:
        try:
            self.holds_jpeg, about, pixels, profile, _ = Decoder()(data)
        except RuntimeError:  # whose text is about how libjxl was built
            raise ImageReadError("the JPEG XL is damaged or truncated") from None
        if self.holds_jpeg:
            jpeg = JpegImagePlugin.JpegImageFile(io.BytesIO(pixels))
            self.quantization, self.layer = jpeg.quantization, jpeg.layer
            return jpeg
        image = Image.frombytes(about.mode, (about.width, about.height), pixels)
        image.info = {"icc_profile": profile, **dict(_metadata(data))}
        return image


def check_colours(profile: bytes) -> None:
    """Refuse colours that are not sRGB: the encoder takes no profile.

    Args:
        profile: an ICC profile of gray or RGB.

    Raises:
        ImageWriteError: its colours are others, or it is damaged.
    """
    ramp = Image.linear_gradient("L")
    shown = Image.merge("RGB", [ramp] * 3)
    if profile[16:20] != b"GRAY":
        ramp = shown = Image.merge("RGB", [ramp, ramp.rotate(90), ramp.rotate(180)])
    with suppress(ImageCms.PyCMSError, OSError):
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        target = ImageCms.createProfile("sRGB")
        found = ImageCms.profileToProfile(ramp, source, target, outputMode="RGB")
        difference = ImageChops.difference(found, shown) if found else shown
        if np.asarray(difference).max() <= _NEARLY:
            return
    raise ImageWriteError(
        "JPEG XL is written with the colours of sRGB alone, and the image has others; "
        "write PNG, TIFF, JPEG, WebP or AVIF"
    )


class JxlEncoder:
    """Keeps the rows of an image whose colours are sRGB, and encodes them at the end."""

    def __init__(
        self, stream: BinaryIO, shape: tuple[int, int, int], quality: int, metadata: Metadata
    ) -> None:
        """Opens an encoder.

        Args:
            stream: where to.
            shape: height, width and channels: gray or RGB, with alpha or without.
            quality: 1 to 100, which loses nothing.
            metadata: what to write besides the pixels.
        """
        self._stream, self._size, self._metadata = stream, (shape[1], shape[0]), metadata
        self._encoder = Encoder(
            MODES[shape[2]], lossless=quality == 100, quality=quality, effort=_EFFORT
        )
        self._bands: list[bytes] = []

    def write(self, band: NDArray[Any]) -> None:
        """Takes the next rows, uint8."""
        self._bands.append(band.tobytes())

    def finish(self) -> None:
        """Encodes them all."""
        pixels = b"".join(self._bands)
        self._bands.clear()
        block = self._metadata.exif
        exif = bytes(4) + block if block else None  # the offset of its TIFF header
        about = {"exif": exif, "xmp": self._metadata.xmp}
        self._stream.write(self._encoder(pixels, *self._size, jpeg_encode=False, **about))


def _metadata(data: bytes) -> Iterator[tuple[str, bytes]]:
    for kind, content in boxes(data) if data[:2] != b"\xff\x0a" else ():
        if kind == b"brob":
            kind, content = content[:4], _unpack(content[4:])
        if kind == b"Exif":
            content = content[4 + int.from_bytes(content[:4]) :]
        if kind in _BOXES:
            yield _BOXES[kind], content


def _unpack(content: bytes) -> bytes:
    """A compressed box; nothing of one that is larger than any metadata."""
    decompressor = brotli.Decompressor()
    found: bytes = decompressor.process(content, output_buffer_limit=_MOST_METADATA)
    return found if decompressor.is_finished() else b""


def _codestream(data: bytes) -> bytes:
    """The codestream's beginning, out of its container."""
    if data[:2] == b"\xff\x0a":
        return data
    parts = ((kind, content) for kind, content in boxes(data) if kind in (b"jxlc", b"jxlp"))
    return next((content if kind == b"jxlc" else content[4:] for kind, content in parts), b"")


def _read_header(codestream: bytes) -> _Header:
    """Size and animation of an image.

    Raises:
        ImageReadError: it is cut short.
    """
    bits = _Bits(codestream[2:])
    height, width = _read_size(bits)
    if bits.take(1) or not bits.take(1):  # all defaults, or none of the fields that may follow
        return _Header(width, height, False)
    if bits.take(3) > 3:  # the orientation, less 1
        width, height = height, width
    if bits.take(1):
        _read_size(bits)
    has_preview = bits.take(1)  # such a file is taken for a single image
    return _Header(width, height, bool(not has_preview and bits.take(1)))


def _read_size(bits: _Bits) -> tuple[int, int]:
    """Height and width."""
    is_small = bits.take(1)
    height = _read_side(bits, is_small)
    if ratio := bits.take(3):
        over, under = _RATIOS[ratio - 1]
        return height, height * over // under
    return height, _read_side(bits, is_small)


def _read_side(bits: _Bits, is_small: int) -> int:
    if is_small:
        return 8 * (bits.take(5) + 1)
    return bits.take((9, 13, 18, 30)[bits.take(2)]) + 1


class _Bits:
    """Takes numbers from bytes, the lowest bits first."""

    def __init__(self, data: bytes) -> None:
        self._number, self._left = int.from_bytes(data[:64], "little"), 8 * len(data[:64])

    def take(self, count: int) -> int:
        if count > self._left:
            raise ImageReadError("the JPEG XL ends in its header")
        value = self._number & ((1 << count) - 1)
        self._number >>= count
        self._left -= count
        return value
