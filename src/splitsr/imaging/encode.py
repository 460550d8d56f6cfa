"""From pixels to a file's bytes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from splitsr.errors import ImageError, ImageWriteError
from splitsr.imaging.arrays import flatten, to_uint8
from splitsr.imaging.exif import add_prefix, with_size
from splitsr.imaging.formats import FORMATS, Format

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from splitsr.imaging.metadata import Metadata

# JPEG keeps each of these in one marker of at most 65 533 bytes; XMP's has a 29-byte name.
_MARKER_BYTES = 65_533
_XMP_BYTES = _MARKER_BYTES - 29
# libwebp's own default, and libavif's fastest but two: 0.7 s instead of 3 for 2048x2048 on
# 2 cores, at files a fifth larger.
_WEBP_METHOD = 4
_AVIF_SPEED = 8


def encode(
    color: NDArray[Any],
    alpha: NDArray[Any] | None,
    metadata: Metadata,
    format_name: str,
    quality: int | None,
) -> bytes:
    """Encode a picture; see `write_photo` for what each format does.

    Args:
        color: (H, W, 1 or 3) uint8 or uint16.
        alpha: (H, W) of the same dtype, or None.
        metadata: what to write besides the pixels.
        format_name: an output format's name, as `FORMATS` has it.
        quality: 1 to 100, or None for the format's default.

    Raises:
        ImageWriteError: the format cannot hold the picture.
    """
    height, width = color.shape[:2]
    exif = with_size(metadata.exif, height, width) if metadata.exif else None
    metadata = _replace_exif(metadata, exif)
    if format_name == "PNG":
        from splitsr.imaging.png import encode_png

        return encode_png(_stack(color, alpha), metadata)
    if format_name == "TIFF":
        from splitsr.imaging.tiff import encode_tiff

        return encode_tiff(_stack(_rgb_if_deep(color, alpha), alpha), metadata)
    try:
        return _encode_lossy(color, alpha, metadata, FORMATS[format_name], quality)
    except ImageError:
        raise
    except (OSError, ValueError) as error:
        raise ImageWriteError(f"the picture cannot be written as {format_name}: {error}") from error


def _replace_exif(metadata: Metadata, exif: bytes | None) -> Metadata:
    from dataclasses import replace

    return replace(metadata, exif=exif)


def _stack(color: NDArray[Any], alpha: NDArray[Any] | None) -> NDArray[Any]:
    return np.ascontiguousarray(color if alpha is None else np.dstack([color, alpha]))


def _rgb_if_deep(color: NDArray[Any], alpha: NDArray[Any] | None) -> NDArray[Any]:
    """Repeat 16-bit gray that has alpha: Pillow, and so splitsr, reads no such TIFF."""
    deep_gray = color.shape[2] == 1 and color.dtype == np.uint16
    return np.repeat(color, 3, axis=2) if deep_gray and alpha is not None else color


def _encode_lossy(
    color: NDArray[Any],
    alpha: NDArray[Any] | None,
    metadata: Metadata,
    fmt: Format,
    quality: int | None,
) -> bytes:
    from PIL import Image

    if alpha is not None and fmt.name == "JPEG":
        color, alpha = flatten(color, alpha), None
    if alpha is not None and color.shape[2] == 1:
        color = np.repeat(color, 3, axis=2)  # neither WebP nor AVIF, in Pillow, has gray with alpha
    pixels = to_uint8(_stack(color, alpha))
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    options = _jpeg_options(metadata) if fmt.name == "JPEG" else _options(metadata, fmt, image.mode)
    stream = io.BytesIO()
    image.save(stream, fmt.name, quality=quality or fmt.quality, **options)
    return stream.getvalue()


def _jpeg_options(metadata: Metadata) -> dict[str, Any]:
    """Keep colour at full resolution, and each piece of metadata that fits its marker."""
    exif = add_prefix(metadata.exif) if metadata.exif else None
    comment = metadata.any_comment()
    pieces = {
        "exif": exif if exif and len(exif) <= _MARKER_BYTES else None,
        "xmp": metadata.xmp if metadata.xmp and len(metadata.xmp) <= _XMP_BYTES else None,
        "comment": comment if comment and len(comment) <= _MARKER_BYTES else None,
        "icc_profile": metadata.icc_profile,
        "dpi": metadata.dpi,
    }
    kept = {name: value for name, value in pieces.items() if value}
    return {"subsampling": "4:4:4", **kept}


def _options(metadata: Metadata, fmt: Format, mode: str) -> dict[str, Any]:
    pieces = {
        "exif": metadata.exif,
        "xmp": metadata.xmp,
        "icc_profile": metadata.icc_profile,
    }
    kept: dict[str, Any] = {name: value for name, value in pieces.items() if value}
    if fmt.name == "WEBP":
        return {"method": _WEBP_METHOD, **kept}
    return {"speed": _AVIF_SPEED, "subsampling": "4:0:0" if mode == "L" else "4:4:4", **kept}
