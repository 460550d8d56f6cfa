"""Images in files: reading them with all they carry, and writing them whole or not at all."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

from splitsr.errors import ImageError, ImageReadError, ImageWriteError
from splitsr.imaging.atomic import check_target, open_atomic
from splitsr.imaging.codecs.decode import decode, decode_rows, header_pixels
from splitsr.imaging.codecs.encode import encode_rows
from splitsr.imaging.codecs.formats import (
    HEAD_BYTES,
    IMAGE_SUFFIXES,
    WRITABLE,
    check_writable,
    format_for,
    sniff,
    suffix_for,
    writable_format,
)
from splitsr.imaging.metadata.metadata import Metadata
from splitsr.imaging.photo import Photo, PhotoRows

__all__ = [
    "DEFAULT_MAX_PIXELS",
    "IMAGE_SUFFIXES",
    "WRITABLE",
    "Metadata",
    "Photo",
    "PhotoRows",
    "check_source",
    "check_writable",
    "format_for",
    "open_photo",
    "pixels_of",
    "read_photo",
    "suffix_for",
    "write_photo",
]

DEFAULT_MAX_PIXELS = 200_000_000
"""Most pixels that `read_photo` decodes unless told otherwise."""

_COPY_BYTES = 1 << 20
_MOST_PIPED_BYTES = 1 << 30


def read_photo(
    source: str | os.PathLike[str] | BinaryIO | bytes, *, max_pixels: int = DEFAULT_MAX_PIXELS
) -> Photo:
    """Read one image: JPEG, PNG, WebP, TIFF, AVIF, BMP, PPM, a still GIF; HEIC, JPEG XL.

    The kind is told by the content, not by the name. EXIF orientation is applied to the pixels and
    its tag reset. Gray stays gray; 1-bit becomes gray, a palette RGB; CMYK becomes sRGB through its
    embedded profile where there is one. PNG, TIFF and gray JPEG XL keep 16 bits a sample; other
    formats with more than 8 (AVIF, PPM, CMYK) are reduced to 8. Key colours and palette
    transparency become alpha. HEIC and JPEG XL need the extras `heif` and `jxl`.

    Args:
        source: a path, an open binary file, or the file's bytes.
        max_pixels: most pixels to decode; checked against the header before any decoding.

    Raises:
        ImageReadError: missing, empty, truncated, damaged, or not an image.
        ImageTooLargeError: more than max_pixels.
        UnsupportedImageError: an animation, several pages, floating-point or Lab samples.
    """
    if isinstance(source, bytes):
        return decode(io.BytesIO(source), "image data", max_pixels)
    if isinstance(source, str | os.PathLike):
        with _opened(Path(source)) as stream:
            return decode(stream, str(source), max_pixels)
    name = str(getattr(source, "name", "image data")).replace("<stdin>", "standard input")
    seekable = source.seekable() and source.tell() == 0
    return decode(source if seekable else _read_once(source, name), name, max_pixels)


def open_photo(
    source: str | os.PathLike[str] | BinaryIO | bytes, *, max_pixels: int = DEFAULT_MAX_PIXELS
) -> Photo | PhotoRows:
    """Read one image, its rows only as they are asked for where the file allows that.

    It does if it is a TIFF in strips, upright, gray or RGB, without alpha. Damage in such a file
    shows when its rows come.

    Args:
        source: as for `read_photo`.
        max_pixels: as for `read_photo`.

    Raises:
        ImageReadError: as `read_photo`.
        ImageTooLargeError: as `read_photo`.
        UnsupportedImageError: as `read_photo`.
    """
    if not isinstance(source, str | os.PathLike):
        return read_photo(source, max_pixels=max_pixels)
    with _opened(Path(source)) as stream:
        found = None
        if not isinstance(stream, io.BytesIO):
            found = decode_rows(stream, str(source), max_pixels)
            stream.seek(0)
        return found or decode(stream, str(source), max_pixels)


def check_source(path: Path) -> None:
    """Refuse an input that is not there, before anything is done for its output.

    Raises:
        ImageReadError: the system does not find it, or may not.
    """
    with _naming(path):
        path.stat()


def pixels_of(path: Path) -> int | None:
    """Pixels of an image, by its header; None where that cannot be read, or only once."""
    try:
        if not path.is_file():
            return None
        with path.open("rb") as stream:
            return header_pixels(stream)
    except (OSError, ImageError):
        return None


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """A file, seekable: what is none, such as a pipe, is read into memory."""
    with _naming(path), path.open("rb") as stream:
        is_file = stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
        yield stream if is_file else _read_once(stream, str(path))


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Turn what the system says into one line about the file."""
    try:
        yield
    except FileNotFoundError:
        raise ImageReadError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise ImageReadError(f"{path}: is a folder, not an image") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise ImageReadError(f"{path}: cannot be read: {reason}") from error


def _read_once(stream: BinaryIO, name: str) -> io.BytesIO:
    """What cannot be read twice, as a pipe cannot; no more of it than can be an image."""
    content = bytearray(stream.read(HEAD_BYTES))
    sniff(bytes(content), name)
    while block := stream.read(_COPY_BYTES):
        content += block
        if len(content) > _MOST_PIPED_BYTES:
            raise ImageReadError(f"{name}: more than 1 GiB through a pipe; give it as a file")
    return io.BytesIO(content)


def write_photo(
    photo: Photo | PhotoRows,
    target: str | os.PathLike[str] | BinaryIO,
    *,
    format: str | None = None,  # noqa: A002 - the word that Pillow's users know
    quality: int | None = None,
    overwrite: bool = False,
    like: Path | None = None,
    keep_times: bool = False,
) -> None:
    """Write an image as PNG, JPEG, WebP, TIFF, AVIF or JPEG XL, whole or not at all.

    PNG and TIFF are lossless and keep 8 or 16 bits, gray and alpha (16-bit gray with alpha becomes
    RGB in TIFF). The others get 8 bits, rounded. JPEG has no alpha: the image is laid over white.
    WebP has no gray: it is written as RGB of equal parts, and so are WebP and AVIF with alpha.
    Metadata is written as far as the format has a place for it: WebP, AVIF and JPEG XL have none
    for DPI, comments and text, and a JPEG leaves out EXIF, XMP or a comment above 64 KiB.

    Args:
        photo: the image; rows that come one by one are written as they come.
        target: a path, or a binary stream such as standard output.
        format: `png`, `jpeg`, `webp`, `tiff`, `avif` or `jxl`; by default what the path's ending
            says; for a stream the image's own format, or PNG where that cannot be written.
        quality: 1 to 100 for JPEG (default 95, colour at full resolution), WebP and JPEG XL (95),
            and AVIF (90); the lossless formats do not use it.
        overwrite: replace an existing file.
        like: the file that the image is from: no one may read the new file who may not read it.
        keep_times: give the new file the times of `like`.

    Raises:
        ImageWriteError: the format, the quality or the target will not do, or the system refused.
            No part of a file is left behind, and an existing one is untouched.
    """
    if quality is not None and not 1 <= quality <= 100:
        raise ImageWriteError(f"quality: found {quality}; allowed: 1 to 100")
    path = Path(target) if isinstance(target, str | os.PathLike) else None
    name = _output_format(photo, path, format)
    check_writable(name, photo.height, photo.width)
    if path is not None:
        check_target(path, overwrite=overwrite)
        with open_atomic(path, overwrite=overwrite, like=like, keep_times=keep_times) as file:
            _encode(photo, file, name, quality)
    elif not isinstance(target, str | os.PathLike):
        with TemporaryFile() as file:
            _encode(photo, file, name, quality)
            _copy_to_stream(file, target)


def _encode(
    photo: Photo | PhotoRows, file: BinaryIO, format_name: str, quality: int | None
) -> None:
    rows = photo.rows()
    encode_rows(file, rows.color, rows.alpha, rows.metadata, format_name, quality)


def _output_format(photo: Photo | PhotoRows, path: Path | None, asked: str | None) -> str:
    if asked is not None:
        return writable_format(asked).name
    if path is not None:
        return format_for(path)
    return photo.format if photo.format in WRITABLE else "PNG"


def _copy_to_stream(file: BinaryIO, stream: BinaryIO) -> None:
    file.seek(0)
    try:
        while block := file.read(_COPY_BYTES):
            rest = memoryview(block)
            while rest:  # an unbuffered stream, as under `python -u`, may take a part at a time
                rest = rest[stream.write(rest) or len(rest) :]
        stream.flush()
    except OSError as error:
        name = getattr(stream, "name", "output stream")
        raise ImageWriteError(
            f"{name}: cannot be written: {error.strerror or str(error)}"
        ) from error
