"""From a file's bytes to pixels, through Pillow's readers.

Pillow keeps RGB at 8 bits. Its readers for 16-bit RGB take the high byte of each sample; told that
the byte order is the other one, they take the low byte. So such a file is decoded twice, and
every compression, filter and interlacing that Pillow knows works at 16 bits.
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from splitsr.errors import (
    ImageError,
    ImageReadError,
    ImageTooLargeError,
    UnsupportedImageError,
)
from splitsr.imaging.arrays import unpremultiply
from splitsr.imaging.codecs.formats import HEAD_BYTES, Format, sniff
from splitsr.imaging.codecs.integrity import check_complete
from splitsr.imaging.codecs.jpeg_scans import check_jpeg_filled
from splitsr.imaging.degradation import compression_of
from splitsr.imaging.metadata.reader import read_metadata
from splitsr.imaging.photo import Photo, PhotoRows
from splitsr.imaging.rows import Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image, ImageFile

    from splitsr.imaging.codecs.tiff_strips import TiffStrips

_Pixels = tuple["NDArray[Any]", "NDArray[Any] | None"]
_NATIVE = "L" if sys.byteorder == "little" else "B"
# Modes that NumPy takes after one conversion by Pillow.
_CONVERTED = {
    "1": "L",
    "L": "L",
    "LA": "LA",
    "La": "LA",
    "PA": "RGBA",
    "RGB": "RGB",
    "RGBX": "RGB",
    "RGBA": "RGBA",
    "RGBa": "RGBA",
    "YCbCr": "RGB",
}
# PNG key levels count in the file's own bits, while Pillow spreads the samples over 8.
_GRAY_KEY_SCALES = {"L;2": 85, "L;4": 17}
_COPY_ROWS = 256
# 16-bit samples that Pillow makes 8-bit ones of.
_DEEP = re.compile("(RGBX?|RGBA|RGBa|LA);16[BLN]")


def decode(stream: BinaryIO, name: str, max_pixels: int) -> Photo:
    """Decode a seekable stream; see `read_photo`."""
    fmt = sniff(stream.read(HEAD_BYTES), name)
    with _naming(name, fmt):
        _open_checked(stream, fmt, max_pixels)
        check_complete(stream, fmt.name)
        image = _open(stream, fmt)
        if fmt.name == "JPEG":
            check_jpeg_filled(image, stream, partial(_open, fmt=fmt))
        color, alpha = _pixels(image, lambda: _open(stream, fmt))
        compression = compression_of(image, fmt.name, stream)
        metadata, orientation = read_metadata(image, stream, color.shape[:2], color.shape[2])
        color = _turn(color, orientation)
        alpha = None if alpha is None else _turn(alpha, orientation)
    return Photo(color, alpha, metadata, fmt.name, compression)


def header_pixels(stream: BinaryIO) -> int:
    """Width times height of an image, from its header alone.

    Raises:
        ImageError: the header cannot be read.
    """
    fmt = sniff(stream.read(HEAD_BYTES), "image")
    with _naming("image", fmt):
        width, height = _open(stream, fmt).size
    return width * height


def decode_rows(stream: BinaryIO, path: str, max_pixels: int) -> PhotoRows | None:
    """Decode a file as its rows are asked for, to the pixels that `decode` gives.

    Args:
        stream: the file, for its header; the rows are read from `path` later.
        path: of the file.
        max_pixels: as for `decode`.

    Returns:
        None for a file that has to be decoded whole: all but TIFFs in plain strips.
    """
    fmt = sniff(stream.read(HEAD_BYTES), path)
    if fmt.name != "TIFF":
        return None
    with _naming(path, fmt):
        from splitsr.imaging.codecs.tiff_strips import TiffStrips

        image = _open_checked(stream, fmt, max_pixels)
        strips = TiffStrips.of(image, path)
        if strips is None:
            return None
        channels = 3 if image.mode == "RGB" else 1
        metadata, _ = read_metadata(image, stream, image.size[::-1], channels)
        dtype = np.uint16 if strips.bits > 8 else np.uint8
        rows = Rows(*image.size[::-1], channels, dtype, _decode_strips(strips, fmt))
    return PhotoRows(rows, None, metadata, fmt.name)


def _decode_strips(strips: TiffStrips, fmt: Format) -> Iterator[NDArray[Any]]:
    for first, last in strips.steps():
        with _naming(strips.path, fmt):
            part = strips.read(first, last)
            band = _pixels(_open(part, fmt), partial(_open, part, fmt))[0]
        yield band


def _open_checked(stream: BinaryIO, fmt: Format, max_pixels: int) -> ImageFile.ImageFile:
    """Read the header, and refuse what cannot be decoded."""
    image = _open(stream, fmt)
    _check_size(image.size, max_pixels)
    _check_frames(image)
    return image


@contextlib.contextmanager
def _naming(name: str, fmt: Format) -> Iterator[None]:
    """Turn whatever is raised into one clear line that begins with the file's name."""
    from PIL.Image import DecompressionBombError

    try:
        yield
    except ImageError as error:
        raise type(error)(f"{name}: {_line(error)}") from error
    except MemoryError as error:
        raise ImageReadError(f"{name}: not enough memory to decode it") from error
    except DecompressionBombError as error:  # WebP alone, whose reader checks by itself
        raise ImageTooLargeError(
            f"{name}: more pixels than Pillow reads from {fmt.name}"
        ) from error
    except Exception as error:  # on damaged input the readers raise nearly anything
        reason = _line(error).rstrip(".") or type(error).__name__
        raise ImageReadError(
            f"{name}: a damaged, truncated or unsupported {fmt.name} ({reason})"
        ) from error


def _line(error: Exception) -> str:
    """What an error says, in one line that a terminal shows, whatever the file has put there."""
    text = " ".join(str(error).split())
    return "".join(character if character.isprintable() else "?" for character in text)


def _open(stream: BinaryIO, fmt: Format) -> ImageFile.ImageFile:
    """Read the header. Not by Image.open, which warns of sizes that the caller allowed."""
    reader = fmt.reader()
    stream.seek(0)
    image: ImageFile.ImageFile = reader(stream)
    return image


def _check_size(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise ImageTooLargeError(
            f"{width}x{height} is {width * height / 1e6:.1f} megapixels, above the limit "
            f"of {max_pixels / 1e6:g}; --max-pixels (max_pixels in Python) raises it"
        )


def _check_frames(image: Image.Image) -> None:
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "HEIF":  # where it is opened at the one to be shown
        raise UnsupportedImageError(
            f"an animation or a file of several pages ({frames} frames); "
            "only single images are read: extract the frames first"
        )


def _pixels(image: ImageFile.ImageFile, reopen: Callable[[], Any]) -> _Pixels:
    """Decode into (H, W, C) colour and (H, W) alpha, not yet turned upright."""
    raw = _raw_mode(image)
    if _DEEP.fullmatch(raw):
        color, alpha = _deep_pixels(image, raw, reopen)
    else:
        image.load()
        color, alpha = _split(_array(image))
    key = image.info.get("transparency")
    if alpha is None and key is not None and image.mode != "P":
        alpha = _keyed_alpha(color, key, _GRAY_KEY_SCALES.get(raw, 1))
    return color, alpha


def _raw_mode(image: ImageFile.ImageFile) -> str:
    if not image.tile:
        return ""
    args = image.tile[0].args
    return str(args[0] if isinstance(args, tuple) and args else args)


def _array(image: Image.Image) -> NDArray[Any]:
    """Give the pixels of a loaded image, (H, W) or (H, W, C), uint8 or uint16."""
    mode = image.mode
    if mode == "P":
        return np.asarray(image.convert("RGBA" if image.has_transparency_data else "RGB"))
    if mode == "CMYK":
        return np.asarray(_cmyk_to_rgb(image))
    if mode == "I" or mode.startswith("I;16"):
        return _wide_gray(image)
    if mode not in _CONVERTED:
        kind = "floating-point samples" if mode == "F" else f"colours of mode {mode}"
        raise UnsupportedImageError(
            f"{kind} are not handled; convert it to 8- or 16-bit gray or RGB"
        )
    wanted = _CONVERTED[mode]
    # A key colour would make Pillow convert to another mode; _keyed_alpha handles it.
    return _copy(image if mode == wanted else image.convert(wanted))


def _copy(image: Image.Image) -> NDArray[np.uint8]:
    """The pixels, a band at a time: at once, Pillow would make a third copy of them."""
    width, height = image.size
    channels = len(image.getbands())
    pixels = np.empty((height, width, channels), np.uint8)
    for top in range(0, height, _COPY_ROWS):
        bottom = min(top + _COPY_ROWS, height)
        band = np.asarray(image.crop((0, top, width, bottom)))
        pixels[top:bottom] = band.reshape(bottom - top, width, channels)
    return pixels if channels > 1 else pixels[:, :, 0]


def _wide_gray(image: Image.Image) -> NDArray[np.uint16]:
    gray = np.asarray(image)
    if image.format == "TIFF":
        from splitsr.imaging.codecs.tiff_reader import true_gray

        gray = true_gray(image, gray)
    if gray.itemsize > 2 and (gray.min() < 0 or gray.max() > 65535):
        raise UnsupportedImageError(
            f"32-bit gray ({gray.min()} to {gray.max()}) is not handled; "
            "convert it to 16-bit gray (0 to 65535)"
        )
    return gray.astype(np.uint16)


def _cmyk_to_rgb(image: Image.Image) -> Image.Image:
    """Convert through the embedded profile, as a print looks; by inversion without one."""
    from PIL import ImageCms

    profile = image.info.get("icc_profile")
    if profile:
        with contextlib.suppress(ImageCms.PyCMSError, OSError):
            converted = ImageCms.profileToProfile(
                image,
                ImageCms.ImageCmsProfile(io.BytesIO(profile)),
                ImageCms.createProfile("sRGB"),
                renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
                outputMode="RGB",
                flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
            )
            if converted is not None:
                return converted
    return image.convert("RGB")


def _split(pixels: NDArray[Any]) -> _Pixels:
    if pixels.ndim == 2:
        return pixels[:, :, None], None
    if pixels.shape[2] in (2, 4):
        return np.ascontiguousarray(pixels[:, :, :-1]), np.ascontiguousarray(pixels[:, :, -1])
    return pixels, None


def _keyed_alpha(color: NDArray[Any], key: object, scale: int) -> NDArray[Any] | None:
    """Make alpha of a PNG's key colour (tRNS): the pixels of just that colour are transparent."""
    if not isinstance(key, int | tuple):
        return None
    opaque = np.any(color != np.array(key) * scale, axis=2)
    return np.where(opaque, np.iinfo(color.dtype).max, 0).astype(color.dtype)


def _deep_pixels(image: ImageFile.ImageFile, raw: str, reopen: Callable[[], Any]) -> _Pixels:
    """Decode 16-bit samples by two passes, one for the high bytes and one for the low."""
    if raw == "LA;16B":
        return _deep_gray_alpha(image)
    order = raw[-1] if raw[-1] in "BL" else _NATIVE
    # Premultiplied samples are taken as they are, and divided at full depth.
    kind = raw.partition(";")[0].replace("RGBa", "RGBA")
    high = _load_as(image, f"{kind};16{order}")
    low = _load_as(reopen(), f"{kind};16{'L' if order == 'B' else 'B'}")
    color, alpha = _split((high.astype(np.uint16) << 8) | low)
    if alpha is not None and raw.startswith("RGBa"):
        color = unpremultiply(color, alpha)
    return color, alpha


def _deep_gray_alpha(image: ImageFile.ImageFile) -> _Pixels:
    """Take the two big-endian samples of a pixel as the four bytes of an 8-bit one."""
    samples = np.ascontiguousarray(_load_as(image, "RGBA")).view(">u2").astype(np.uint16)
    return _split(samples)


def _load_as(image: ImageFile.ImageFile, raw: str) -> NDArray[np.uint8]:
    image.tile = [
        tile._replace(args=(raw, *tile.args[1:]) if isinstance(tile.args, tuple) else raw)
        for tile in image.tile
    ]
    image.load()
    return np.array(image)


def _turn(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Apply an EXIF orientation (2 to 8 mirror or turn), giving contiguous upright pixels."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)
