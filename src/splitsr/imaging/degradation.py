"""What an image lost before it was read: the quality it was compressed at, and its noise."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np

from splitsr.imaging.block_grid import former_quality
from splitsr.imaging.color import luma_levels

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

# Luma at quality 50: ITU-T T.81, table K.1.
_LUMA_50 = np.array(
    [
        *(16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55),
        *(14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62),
        *(18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92),
        *(49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99),
    ]
)
_QUALITIES = np.arange(1, 101)
_UNKNOWN = ("AVIF", "HEIC", "JXL", "PNG")  # silent about how much was lost
_BAND_ROWS, _NOISE_PIXELS = 16, 1 << 19
_BLOCK, _CELLS = 8, 4  # pixels, and 2x2 cells, along a block's side
_FLATTEST = 2  # per cent of the blocks
_FLATTEST_NORMAL = 0.643  # what that finds in noise alone, of a standard deviation of 1
_UNSEEN = 0.3  # levels: less than this is what rounding leaves


class Compression(NamedTuple):
    """How an image was compressed with loss.

    Attributes:
        format: Pillow's name of the format. A PNG loses nothing, but may have been a JPEG before;
            `former_compression` tells.
        quality: 1 to 100, as libjpeg counts; None where the file does not tell.
    """

    format: str
    quality: float | None


def compression_of(image: Image.Image, format_name: str, stream: BinaryIO) -> Compression | None:
    """How a file was compressed; None for a lossless one. Never an error.

    Args:
        image: the file, opened by Pillow.
        format_name: of the file.
        stream: its bytes, seekable.
    """
    if found := jpeg_compression(image):  # or a JPEG XL that was made of one
        return found
    if format_name == "WEBP":
        stream.seek(0)
        content = stream.read()
        kind, frame = _webp_frame(content)
        return None if kind == b"VP8L" else Compression("WEBP", _try(_webp_quality, frame))
    return Compression(format_name, None) if format_name in _UNKNOWN else None


def former_compression(compression: Compression, color: NDArray[Any]) -> Compression | None:
    """The same, but of a PNG that of the JPEG whose blocks it shows; None if it shows none.

    Args:
        compression: of the file.
        color: its pixels, (H, W, 1|3) uint8 or uint16.
    """
    if compression.format != "PNG":
        return compression
    quality = former_quality(color)
    return None if quality is None else Compression("former JPEG", quality)


def jpeg_compression(image: object) -> Compression | None:
    """How a JPEG that Pillow has opened was compressed; None for any other image."""
    if not hasattr(image, "quantization"):
        return None
    return Compression("JPEG", _try(_jpeg_quality, image))


def estimate_noise(color: NDArray[Any]) -> float:
    """How noisy an image's luma looks.

    It is the RMS of the finest diagonal differences within a block of 8x8 pixels, of the flattest
    fiftieth of the blocks, as far as the others do not differ: noise is everywhere alike, texture
    is not, so the estimate falls with the ratio of the flattest to the median block. Blocks with
    clipped values, where noise cannot be seen, do not count, and of a large image bands of rows
    are enough.

    Args:
        color: (H, W, 1|3) uint8 or uint16.

    Returns:
        The standard deviation in an image of noise alone, less beside texture; levels of 0 to 255.
    """
    height, width = color.shape[:2]
    count = max(1, min(height // _BAND_ROWS, _NOISE_PIXELS // (width * _BAND_ROWS)))
    tops = np.linspace(0, max(height - _BAND_ROWS, 0), count).astype(int)
    found = np.concatenate([_roughness(color[top : top + _BAND_ROWS]) for top in tops])
    if not len(found):
        return 0.0
    noise = float(np.percentile(found, _FLATTEST)) / _FLATTEST_NORMAL
    usual = max(noise, float(np.median(found)))
    return noise * (noise + _UNSEEN) / (usual + _UNSEEN)


def _roughness(band: NDArray[Any]) -> NDArray[np.float64]:
    """The RMS difference of each block of a band that has none of its values clipped."""
    rows, columns = band.shape[0] // _BLOCK, band.shape[1] // _BLOCK
    part = band[: rows * _BLOCK, : columns * _BLOCK]
    luma = luma_levels(part).reshape(rows, _CELLS, 2, columns, _CELLS, 2)
    luma = luma.transpose(0, 3, 1, 4, 2, 5).reshape(rows * columns, _CELLS**2, 4)
    clipped = (luma.min(axis=(1, 2)) < 2) | (luma.max(axis=(1, 2)) > 253)
    diagonal = luma[~clipped] @ np.array([0.5, -0.5, -0.5, 0.5])
    found: NDArray[np.float64] = np.sqrt(np.square(diagonal).mean(axis=1))
    return found


def _try(read: Callable[[Any], float], source: object) -> float | None:
    """A quality, or None from whatever has none: no image is refused for that."""
    try:
        return read(source)
    except Exception:
        return None


def _jpeg_quality(image: Any) -> float:  # noqa: ANN401 (Pillow's, untyped)
    """The quality at which libjpeg's table of luma is nearest: least squares of the logarithms."""
    table = np.array(image.quantization[image.layer[0][3]], np.float64)
    if table.shape != _LUMA_50.shape or table.min() < 1:
        raise ValueError("no table that anything was divided by")
    scales = np.where(_QUALITIES < 50, 5000 // _QUALITIES, 200 - 2 * _QUALITIES)
    tables = np.clip((_LUMA_50 * scales[:, None] + 50) // 100, 1, 255)
    distances = np.square(np.log(tables / table)).sum(axis=1)
    return float(_QUALITIES[distances.argmin()])


def _webp_frame(content: bytes) -> tuple[bytes, bytes]:
    """The chunk of the pixels, its kind and what is in it; nothing where there is none."""
    at = 12
    while at + 8 <= len(content):
        kind, size = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8], "little")
        if kind in (b"VP8 ", b"VP8L"):
            return kind, content[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    return b"", b""


def _webp_quality(frame: bytes) -> float:
    """The quality of libwebp for the mean quantizer of the segments of a VP8 key frame."""
    if frame[0] & 1 or frame[3:6] != b"\x9d\x01\x2a":
        raise ValueError("no key frame")
    shares = 1 - np.array(_vp8_quantizers(_Vp8Header(frame[10:]))) / 127
    linear = float(np.mean(np.clip(shares, 0, 1))) ** 3
    return 100 * (linear * 1.5 if linear < 0.5 else (linear + 1) / 2)


def _vp8_quantizers(header: _Vp8Header) -> list[int]:
    """Quantizer indices, 0 to 127, one or those of four segments (RFC 6386, section 9)."""
    header.read(2)  # colour space, clamping
    absolute, segments = 0, [0]
    if header.read(1):
        has_map = header.read(1)
        if header.read(1):
            absolute = header.read(1)
            segments = header.read_signed(7)
            header.read_signed(6)
        for _ in range(3 * has_map):
            header.read(8 * header.read(1))
    header.read(1 + 6 + 3)  # loop filter
    if header.read(1) and header.read(1):
        header.read_signed(6)
        header.read_signed(6)
    header.read(2)  # partitions
    base = header.read(7)
    return [value if absolute else base + value for value in segments]


class _Vp8Header:
    """Values of a VP8 frame header, all coded at even odds (RFC 6386, section 7)."""

    _BYTES = 128

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data[: self._BYTES].ljust(self._BYTES, b"\0"))
        self._shift, self._range = 8 * self._BYTES - 8, 255

    def read(self, bits: int) -> int:
        """A number of so many bits."""
        found = 0
        for _ in range(bits):
            split = 1 + (self._range - 1) // 2
            bit = self._value >= split << self._shift
            if bit:
                self._value -= split << self._shift
            self._range = self._range - split if bit else split
            while self._range < 128:
                self._range <<= 1
                self._shift -= 1
            found = 2 * found + bit
        return found

    def read_signed(self, bits: int) -> list[int]:
        """Four numbers with signs; 0 for one that is left out."""
        found = []
        for _ in range(4):
            value = self.read(bits) if (given := self.read(1)) else 0
            found.append(-value if given and self.read(1) else value)
        return found
