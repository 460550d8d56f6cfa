"""From pixels to a file's bytes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

import numpy as np

from splitsr.errors import ImageError, ImageWriteError
from splitsr.imaging.arrays import flatten, to_uint8
from splitsr.imaging.codecs.formats import FORMATS, Format
from splitsr.imaging.metadata.png import is_png_only
from splitsr.imaging.rows import Rows, RowWindow

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from splitsr.imaging.metadata.metadata import Metadata

# libwebp's own default, and libavif's fastest but two: 0.7 s instead of 3 for 2048x2048 on
# 2 cores, at files a fifth larger.
_WEBP_METHOD = 4
_AVIF_SPEED = 8
MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
"""Pillow's modes by channels."""


class RowEncoder(Protocol):
    """Writes an image as its rows come, from top to bottom."""

    def write(self, band: NDArray[Any]) -> None:
        """Takes the next rows, colour and alpha together."""

    def finish(self) -> None:
        """Writes what is left, once all rows are there."""


def encode_rows(
    stream: BinaryIO,
    color: Rows,
    alpha: Rows | None,
    metadata: Metadata,
    format_name: str,
    quality: int | None,
) -> None:
    """Encode an image as its rows come; see `write_photo` for what each format does.

    Each band is encoded while the next one is made. WebP, AVIF and JPEG XL are encoded whole, as
    their encoders take no rows.

    Args:
        stream: where to; seekable.
        color: the image, 1 or 3 channels.
        alpha: of the same size and dtype, or None.
        metadata: what to write besides the pixels.
        format_name: an output format's name, as `FORMATS` has it.
        quality: 1 to 100, or None for the format's default.

    Raises:
        ImageWriteError: the format cannot hold the image or its colours.
    """
    if format_name != "PNG" and is_png_only(metadata.png_chunks):
        raise ImageWriteError(
            f"{format_name} cannot keep the image's colours (PQ, HLG or the like); write PNG"
        )
    if format_name == "JXL" and metadata.icc_profile:
        from splitsr.imaging.codecs.jxl import check_colours

        check_colours(metadata.icc_profile)
    join = partial(_join, fmt=FORMATS[format_name])
    encoder: RowEncoder | None = None
    last: Future[None] | None = None
    over = None if alpha is None else RowWindow(alpha)
    top = 0
    with ThreadPoolExecutor(1) as behind:
        for band in color.bands:
            beside = None if over is None else over.take(top, top + len(band))[:, :, 0]
            top += len(band)
            joined = join(band, beside)
            if last is not None:
                last.result()
            if encoder is None:
                shape = (color.height, color.width, joined.shape[2])
                fitting = metadata.for_pixels(*shape[:2], gray=shape[2] < 3)
                encoder = _open_encoder(stream, shape, joined, fitting, format_name, quality)
            last = behind.submit(encoder.write, joined)
    if last is not None and encoder is not None:
        last.result()
        encoder.finish()


def _open_encoder(
    stream: BinaryIO,
    shape: tuple[int, int, int],
    like: NDArray[Any],
    metadata: Metadata,
    format_name: str,
    quality: int | None,
) -> RowEncoder:
    if format_name == "PNG":
        from splitsr.imaging.codecs.png import PngEncoder

        return PngEncoder(stream, shape, 8 * like.itemsize, metadata)
    if format_name == "TIFF":
        from splitsr.imaging.codecs.tiff import TiffEncoder

        return TiffEncoder(stream, shape, 8 * like.itemsize, metadata)
    fmt = FORMATS[format_name]
    quality = quality or fmt.quality or 0
    if format_name == "JPEG":
        from splitsr.imaging.codecs.jpeg import JpegEncoder

        return _Guarded(JpegEncoder(stream, shape, quality, metadata), fmt)
    if format_name == "JXL":
        from splitsr.imaging.codecs.jxl import JxlEncoder

        return _Guarded(JxlEncoder(stream, shape, quality, metadata), fmt)
    return _Guarded(_WholeEncoder(stream, shape, metadata, fmt, quality), fmt)


class _Guarded:
    """Turns what Pillow's encoders raise into one line."""

    def __init__(self, encoder: RowEncoder, fmt: Format) -> None:
        self._encoder, self._fmt = encoder, fmt

    def write(self, band: NDArray[Any]) -> None:
        with self._naming():
            self._encoder.write(band)

    def finish(self) -> None:
        with self._naming():
            self._encoder.finish()

    @contextmanager
    def _naming(self) -> Iterator[None]:
        try:
            yield
        except ImageError:
            raise
        except (OSError, RuntimeError, ValueError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # the disk's, not the encoder's
            raise ImageWriteError(
                f"the image cannot be written as {self._fmt.name}: {error}"
            ) from error


class _WholeEncoder:
    """Keeps all rows, as Pillow does and no second time, and encodes them at the end."""

    def __init__(
        self,
        stream: BinaryIO,
        shape: tuple[int, int, int],
        metadata: Metadata,
        fmt: Format,
        quality: int,
    ) -> None:
        from PIL import Image

        self._stream, self._metadata = stream, metadata
        self._fmt, self._quality = fmt, quality
        self._image = Image.new(MODES[shape[2]], (shape[1], shape[0]))
        self._filled = 0

    def write(self, band: NDArray[Any]) -> None:
        from PIL import Image

        part = Image.fromarray(band[:, :, 0] if band.shape[2] == 1 else band)
        self._image.paste(part, (0, self._filled))
        self._filled += len(band)

    def finish(self) -> None:
        options = _options(self._metadata, self._fmt, self._image.mode)
        self._image.save(self._stream, self._fmt.name, quality=self._quality, **options)


def _join(color: NDArray[Any], alpha: NDArray[Any] | None, fmt: Format) -> NDArray[Any]:
    """Colour and alpha of some rows as the format takes them."""
    if fmt.name == "PNG":
        return _stack(color, alpha)
    if fmt.name == "TIFF":
        return _stack(_rgb_if_deep(color, alpha), alpha)
    if alpha is not None and fmt.name == "JPEG":
        color, alpha = flatten(color, alpha), None
    if color.shape[2] == 1 and (fmt.name == "WEBP" or (alpha is not None and fmt.name == "AVIF")):
        color = np.repeat(color, 3, axis=2)  # WebP has no gray, nor AVIF, in Pillow, with alpha
    return to_uint8(_stack(color, alpha))


def _stack(color: NDArray[Any], alpha: NDArray[Any] | None) -> NDArray[Any]:
    return np.ascontiguousarray(color if alpha is None else np.dstack([color, alpha]))


def _rgb_if_deep(color: NDArray[Any], alpha: NDArray[Any] | None) -> NDArray[Any]:
    """Repeat 16-bit gray that has alpha: Pillow, and so splitsr, reads no such TIFF."""
    deep_gray = color.shape[2] == 1 and color.dtype == np.uint16
    return np.repeat(color, 3, axis=2) if deep_gray and alpha is not None else color


def _options(metadata: Metadata, fmt: Format, mode: str) -> dict[str, Any]:
    pieces: dict[str, Any] = {"xmp": metadata.xmp, "icc_profile": metadata.icc_profile}
    kept = {name: value for name, value in pieces.items() if value}
    if fmt.name == "WEBP":
        return {"method": _WEBP_METHOD, "exif": metadata.exif or b"", **kept}
    from splitsr.imaging.codecs.avif import VerbatimExif

    kept["exif"] = VerbatimExif(metadata.exif) if metadata.exif else b""
    return {"speed": _AVIF_SPEED, "subsampling": "4:0:0" if mode == "L" else "4:4:4", **kept}
