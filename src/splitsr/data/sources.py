"""Where training images come from: folders of photos, or anything that holds encoded bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from splitsr.errors import DataError, ImageError
from splitsr.imaging.arrays import flatten, to_uint8
from splitsr.imaging.files import DEFAULT_MAX_PIXELS, IMAGE_SUFFIXES, read_photo


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
        raise DataError(f"{listed}: no images found; looked for {' '.join(sorted(IMAGE_SUFFIXES))}")
    return list(sources.values())


def _image_files(folder: Path) -> list[Path]:
    files = (path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
    shown = (path for path in files if path.is_file() and not path.name.startswith("."))
    return sorted(shown, key=lambda path: path.relative_to(folder).as_posix())


def decode_rgb(data: bytes, *, max_pixels: int = DEFAULT_MAX_PIXELS) -> npt.NDArray[np.uint8]:
    """Decodes an image to what a viewer shows: upright, 8 bits, RGB, on white where transparent.

    Args:
        data: the encoded bytes.
        max_pixels: most pixels to decode.

    Returns:
        (H, W, 3) uint8.

    Raises:
        ImageError: as `read_photo`, without a name in the message.
    """
    try:
        photo = read_photo(data, max_pixels=max_pixels)
    except ImageError as error:
        # The callers know the image's name; to `read_photo` it is just data.
        raise type(error)(str(error).removeprefix("image data: ")) from error
    color = photo.color if photo.alpha is None else flatten(photo.color, photo.alpha)
    rgb = np.repeat(color, 3, axis=2) if color.shape[2] == 1 else color
    return to_uint8(rgb)
