"""The image formats: how each is recognised, named and limited."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from splitsr.errors import ImageError, ImageReadError, ImageWriteError, UnsupportedImageError


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
        extra: splitsr's optional dependency that has the plugin; empty for none.
    """

    name: str
    suffixes: tuple[str, ...]
    plugin: tuple[str, str]
    max_side: int = 0
    quality: int | None = None
    extra: str = ""

    def reader(self) -> Any:  # noqa: ANN401 (Pillow's classes, which have no common one)
        """The class that reads it.

        Raises:
            UnsupportedImageError: its optional package is not installed.
        """
        module, name = self.plugin
        try:
            return getattr(importlib.import_module(module), name)
        except ModuleNotFoundError:
            raise UnsupportedImageError(
                f"{self.name} needs an optional package: pip install 'splitsr[{self.extra}]'"
            ) from None


# Pillow's own registry is left aside: it loads every plugin, and its open() warns of large images.
# libjpeg stops at 65 500, below the 65 535 of the format; libavif refuses sides above 32 768; JPEG
# XL of level 5, which all readers take, ends at 262 144.
FORMATS = {
    fmt.name: fmt
    for fmt in (
        Format("PNG", (".png",), ("splitsr.imaging.codecs.png_reader", "PngPixels"), 2**31 - 1),
        Format(
            "JPEG",
            (".jpg", ".jpeg", ".jpe", ".jfif"),
            ("PIL.JpegImagePlugin", "JpegImageFile"),
            65_500,
            95,
        ),
        Format("WEBP", (".webp",), ("PIL.WebPImagePlugin", "WebPImageFile"), 16_383, 95),
        Format(
            "TIFF",
            (".tif", ".tiff"),
            ("splitsr.imaging.codecs.tiff_reader", "TiffReader"),
            2**31 - 1,
        ),
        Format("AVIF", (".avif",), ("splitsr.imaging.codecs.avif", "AvifPicture"), 32_768, 90),
        Format("JXL", (".jxl",), ("splitsr.imaging.codecs.jxl", "JxlPicture"), 262_144, 95, "jxl"),
        Format("BMP", (".bmp", ".dib"), ("PIL.BmpImagePlugin", "BmpImageFile")),
        Format("GIF", (".gif",), ("PIL.GifImagePlugin", "GifImageFile")),
        Format("PPM", (".ppm", ".pgm", ".pbm", ".pnm"), ("PIL.PpmImagePlugin", "PpmImageFile")),
        Format("HEIC", (".heic", ".heif", ".hif"), ("pillow_heif", "HeifImageFile"), extra="heif"),
    )
}

IMAGE_SUFFIXES = frozenset(suffix for fmt in FORMATS.values() for suffix in fmt.suffixes)
"""Endings (lower case, with the dot) of the files that `read_photo` is meant for."""

_UNREAD = (
    "jp2 j2k jpx jxr psd psb xcf svg exr hdr tga ico icns qoi pcx "
    "dng cr2 cr3 crw nef nrw arw srf sr2 raf orf rw2 pef srw 3fr iiq x3f rwl mrw kdc dcr erf"
)
UNREAD_SUFFIXES = frozenset(f".{name}" for name in _UNREAD.split())
"""Endings of images, camera raw files among them, that `read_photo` is not meant for."""

WRITABLE = tuple(fmt.name for fmt in FORMATS.values() if fmt.max_side)
"""Names of the formats that `write_photo` writes."""

CAMERA_RAW = "a camera raw is not read; develop it first and save it as TIFF, PNG or JPEG"
# A format, or why it is none: what people have beside their images. The raws that are TIFFs by
# their first bytes are told by their tags.
_MAGIC = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"II*\0\x10\0\0\0CR": CAMERA_RAW,  # Canon
    b"II\x1a\0\0\0HEAPCCDR": CAMERA_RAW,
    b"IIRO": CAMERA_RAW,  # Olympus
    b"IIRS": CAMERA_RAW,
    b"MMOR": CAMERA_RAW,
    b"IIU\0": CAMERA_RAW,  # Panasonic, Leica
    b"FUJIFILMCCD-RAW": CAMERA_RAW,
    b"\0MRM": CAMERA_RAW,  # Minolta
    b"FOVb": CAMERA_RAW,  # Sigma
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
    b"BM": "BMP",
    b"\xff\x0a": "JXL",
    b"\0\0\0\x0cJXL ": "JXL",
    b"\0\0\0\x0cjP  ": "JPEG 2000 is not read; convert it to PNG or JPEG",
    b"8BPS": "a Photoshop document is not read; save it as TIFF or PNG",
    b"%PDF": "a PDF is not read; save its pages as PNG",
}
# The major brand may be `mif1`, with AVIF's among the compatible ones that follow it.
_BRANDS = {b"avif": "AVIF", b"avis": "AVIF", b"crx ": CAMERA_RAW} | dict.fromkeys(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), "HEIC"
)


HEAD_BYTES = 32
"""What of a file tells its format."""


def sniff(head: bytes, name: str) -> Format:
    """Recognise a format by the first bytes of a file.

    Args:
        head: the first 32 bytes, or all of a shorter file.
        name: what to call the file in an error.

    Raises:
        ImageReadError: the bytes begin no format that splitsr knows.
        UnsupportedImageError: they begin one that it does not read.
    """
    if not head:
        raise ImageReadError(f"{name}: the file is empty (0 bytes)")
    found = _recognise(head)
    if found in FORMATS:
        return FORMATS[found]
    if found:
        raise UnsupportedImageError(f"{name}: {found}")
    raise ImageReadError(
        f"{name}: not an image that splitsr reads (it starts with {head[:8]!r}); "
        f"readable: {', '.join(FORMATS)}"
    )


def format_of(path: Path) -> str | None:
    """Name the format of a file's content; None where that cannot be told, or read only once."""
    try:
        if not path.is_file():
            return None
        with path.open("rb") as stream:
            return sniff(stream.read(HEAD_BYTES), str(path)).name
    except (OSError, ImageError):
        return None


def _recognise(head: bytes) -> str:
    """A format's name, why the file is not read, or nothing."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[:1] == b"P" and head[1:2] in b"123456" and head[2:3].isspace():
        return "PPM"
    if head[4:8] == b"ftyp":
        return next((found for brand, found in _BRANDS.items() if brand in head[8:]), "")
    return next((found for magic, found in _MAGIC.items() if head.startswith(magic)), "")


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
    """Refuse an image that a format cannot hold, before any work is put into it.

    Args:
        name: an output format.
        height: rows of the image to be written.
        width: columns of it.

    Raises:
        ImageWriteError: the format cannot be written here, or a side is too long for it.
    """
    fmt = writable_format(name)
    try:
        fmt.reader()
    except UnsupportedImageError as error:
        raise ImageWriteError(str(error)) from None
    if max(height, width) > fmt.max_side:
        raise ImageWriteError(
            f"{fmt.name} holds at most {fmt.max_side} pixels a side, the image has "
            f"{width}x{height}; write PNG or TIFF, or use a smaller scale"
        )
