"""The image formats: how each is recognised, named and limited."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

from splitsr.errors import ImageReadError, ImageWriteError


@dataclass(frozen=True)
class Format:
    """One image format.

    Attributes:
        name: Pillow's name of the format.
        suffixes: file name endings, lower case; the first is the usual one.
        plugin: module and class that read it, imported only when it is met.
        max_side: largest height or width that can be written, in pixels; 0 for a format that is
            only read.
        quality: default quality, 1 to 100; None for a lossless format.
    """

    name: str
    suffixes: tuple[str, ...]
    plugin: tuple[str, str]
    max_side: int = 0
    quality: int | None = None


# Pillow's own registry is left aside: it loads every plugin, and its open() warns of large images.
# libjpeg stops at 65 500, below the 65 535 of the format; libavif refuses sides above 32 768.
FORMATS = {
    fmt.name: fmt
    for fmt in (
        Format("PNG", (".png",), ("PIL.PngImagePlugin", "PngImageFile"), 2**31 - 1),
        Format(
            "JPEG",
            (".jpg", ".jpeg", ".jpe", ".jfif"),
            ("PIL.JpegImagePlugin", "JpegImageFile"),
            65_500,
            95,
        ),
        Format("WEBP", (".webp",), ("PIL.WebPImagePlugin", "WebPImageFile"), 16_383, 95),
        Format("TIFF", (".tif", ".tiff"), ("splitsr.imaging.tiff", "UncheckedTiff"), 2**31 - 1),
        Format("AVIF", (".avif",), ("PIL.AvifImagePlugin", "AvifImageFile"), 32_768, 90),
        Format("BMP", (".bmp", ".dib"), ("PIL.BmpImagePlugin", "BmpImageFile")),
        Format("GIF", (".gif",), ("PIL.GifImagePlugin", "GifImageFile")),
        Format("PPM", (".ppm", ".pgm", ".pbm", ".pnm"), ("PIL.PpmImagePlugin", "PpmImageFile")),
    )
}

IMAGE_SUFFIXES = frozenset(suffix for fmt in FORMATS.values() for suffix in fmt.suffixes)
"""Endings (lower case, with the dot) of the files that `read_photo` is meant for."""

_UNREAD = (
    "heic heif hif jxl jp2 j2k jpx jxr psd psb xcf svg exr hdr tga ico icns qoi pcx "
    "dng cr2 cr3 crw nef nrw arw srf sr2 raf orf rw2 pef srw 3fr iiq x3f rwl mrw kdc dcr erf"
)
UNREAD_SUFFIXES = frozenset(f".{name}" for name in _UNREAD.split())
"""Endings of images, camera raw files among them, that `read_photo` is not meant for."""

WRITABLE = tuple(fmt.name for fmt in FORMATS.values() if fmt.max_side)
"""Names of the formats that `write_photo` writes."""

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),
    (b"MM\x00+", "TIFF"),
    (b"BM", "BMP"),
)
_AVIF_BRANDS = (b"avif", b"avis")


def sniff(head: bytes, name: str) -> Format:
    """Recognise a format by the first bytes of a file.

    Args:
        head: the first 32 bytes, or all of a shorter file.
        name: what to call the file in an error.

    Raises:
        ImageReadError: the bytes begin no format that splitsr reads.
    """
    if not head:
        raise ImageReadError(f"{name}: the file is empty (0 bytes)")
    for magic, fmt in _MAGIC:
        if head.startswith(magic):
            return FORMATS[fmt]
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return FORMATS["WEBP"]
    # The major brand may be `mif1` with AVIF among the compatible brands that follow it.
    if head[4:8] == b"ftyp" and any(brand in head[8:] for brand in _AVIF_BRANDS):
        return FORMATS["AVIF"]
    if head[:1] == b"P" and head[1:2] in b"123456" and head[2:3].isspace():
        return FORMATS["PPM"]
    raise ImageReadError(
        f"{name}: not an image that splitsr reads (it starts with {head[:8]!r}); "
        f"readable: {', '.join(FORMATS)}"
    )


def writable_format(name: str) -> Format:
    """Find an output format by its name or ending (`png`, `JPG`, `.tif`).

    Raises:
        ImageWriteError: no such format can be written.
    """
    wanted = name.lower().removeprefix(".")
    for fmt in (FORMATS[key] for key in WRITABLE):
        if wanted == fmt.name.lower() or f".{wanted}" in fmt.suffixes:
            return fmt
    raise ImageWriteError(f"format {name!r} cannot be written; writable: {', '.join(WRITABLE)}")


def format_for(path: str | PurePath) -> str:
    """Name the format that a file name's ending asks for.

    Raises:
        ImageWriteError: no ending, or one that cannot be written.
    """
    suffix = PurePath(path).suffix
    if not suffix:
        raise ImageWriteError(f"{path}: no ending says which format to write, such as .png")
    try:
        return writable_format(suffix).name
    except ImageWriteError as error:
        raise ImageWriteError(f"{path}: {error}") from None


def suffix_for(name: str) -> str:
    """Give the usual ending of an output format, with the dot: `JPEG` gives `.jpg`.

    Raises:
        ImageWriteError: the format cannot be written.
    """
    return writable_format(name).suffixes[0]


def check_writable(name: str, height: int, width: int) -> None:
    """Refuse a picture that a format cannot hold, before any work is put into it.

    Args:
        name: an output format.
        height: rows of the picture to be written.
        width: columns of it.

    Raises:
        ImageWriteError: the format cannot be written, or a side is too long for it.
    """
    fmt = writable_format(name)
    if max(height, width) > fmt.max_side:
        raise ImageWriteError(
            f"{fmt.name} holds at most {fmt.max_side} pixels a side, the picture has "
            f"{width}x{height}; write PNG or TIFF, or use a smaller scale"
        )
