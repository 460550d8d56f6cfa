"""Where training images come from: folders of photos, or anything that holds encoded bytes."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from splitsr.errors import DataError, ImageReadError

SUFFIXES = frozenset([".avif", ".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"])
"""Suffixes, in lower case, of the files that `find_images` takes."""


@dataclass(frozen=True)
class ImageSource:
    """One encoded image.

    Attributes:
        name: its name in a pack: unique there, with `/` between folders.
        read: returns the encoded bytes. Raises OSError where they cannot be read.
    """

    name: str
    read: Callable[[], bytes]


def find_images(folders: Sequence[Path]) -> list[ImageSource]:
    """Lists the images in folders and their subfolders, in an order that never changes.

    Args:
        folders: where to look. Names are relative to the folder; with several folders they begin
            with the folder's own name.

    Returns:
        Folder after folder, each sorted by name. Hidden files are left out.

    Raises:
        DataError: a folder is missing, none holds an image, or two images have the same name.
    """
    sources: dict[str, ImageSource] = {}
    for folder in folders:
        if not folder.is_dir():
            raise DataError(f"{folder}: no such folder; give folders of images")
        prefix = f"{folder.resolve().name}/" if len(folders) > 1 else ""
        for path in _image_files(folder):
            name = prefix + path.relative_to(folder).as_posix()
            if name in sources:
                raise DataError(f"{path}: a second image named {name}; rename one of the folders")
            sources[name] = ImageSource(name, path.read_bytes)
    if not sources:
        listed = ", ".join(map(str, folders))
        raise DataError(f"{listed}: no images found; looked for {' '.join(sorted(SUFFIXES))}")
    return list(sources.values())


def _image_files(folder: Path) -> list[Path]:
    files = (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    shown = (path for path in files if path.is_file() and not path.name.startswith("."))
    return sorted(shown, key=lambda path: path.relative_to(folder).as_posix())


def decode_rgb(data: bytes) -> npt.NDArray[np.uint8]:
    """Decodes an image to what a viewer shows: upright, 8 bits, RGB, on white where transparent.

    Args:
        data: the encoded bytes.

    Returns:
        (H, W, 3) uint8.

    Raises:
        ImageReadError: broken, no image, or so large that it looks like a decompression bomb.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            warnings.simplefilter("ignore", UserWarning)  # odd metadata does not concern us
            with Image.open(BytesIO(data)) as image:
                return _to_rgb(ImageOps.exif_transpose(image))
    except UnidentifiedImageError:
        raise ImageReadError("not an image, or of an unknown format") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ImageReadError("too large, may be a decompression bomb") from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise ImageReadError(f"broken: {error}") from None


def _to_rgb(image: Image.Image) -> npt.NDArray[np.uint8]:
    if image.mode.startswith("I") or image.mode == "F":
        return _gray_to_rgb(np.asarray(image))
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    return np.array(image.convert("RGB"))


def _gray_to_rgb(gray: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Deep gray, which Pillow would clip: 16 bits are scaled to 8."""
    if gray.dtype.kind == "f":
        raise ValueError("floating-point pixels have no known range")
    levels = (gray.clip(0, 65535).astype(np.uint32) + 128) // 257
    return np.repeat(levels.astype(np.uint8)[..., None], 3, axis=2)
