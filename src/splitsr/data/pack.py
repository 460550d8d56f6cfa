"""A pack: a set of images, decoded once into one file that is mapped into memory.

A pack is a folder with two files. `pixels.bin` holds the images one after another, each as H x W
x 3 bytes of RGB; `index.json` names them and says where each begins. Random crops then cost no
decoding, and a set may be larger than the memory.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import msgspec
import numpy as np
import numpy.typing as npt

from splitsr.data.sources import ImageSource, decode_rgb
from splitsr.data.staging import staged_folder
from splitsr.errors import DataError, ImageError
from splitsr.imaging.files import DEFAULT_MAX_PIXELS

PIXELS_FILE = "pixels.bin"
INDEX_FILE = "index.json"
DEFAULT_MIN_SIZE = 96

Progress = Callable[[int, int], None]
"""Called after each image with how many are done and how many there are."""


def sha256_of(path: Path) -> str:
    """Of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class PackedImage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One image of a pack: `height` x `width` x 3 bytes from `offset` on."""

    name: str
    height: int
    width: int
    offset: int

    @property
    def nbytes(self) -> int:
        """Bytes in the pixel file."""
        return self.height * self.width * 3


class PackIndex(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What `index.json` holds.

    Attributes:
        format: tells a pack from other folders.
        version: of the layout.
        nbytes: size of the pixel file.
        sha256: of the pixel file, in hexadecimal.
        images: in the order of the pixel file.
    """

    format: Literal["splitsr-pack"] = "splitsr-pack"
    version: Literal[1] = 1
    nbytes: int
    sha256: str
    images: tuple[PackedImage, ...]


@dataclass(frozen=True)
class PackReport:
    """What became of the images that a pack was to be made of.

    Attributes:
        packed: images in the pack.
        pixels: their pixels, all together.
        sha256: of the pixel file, in hexadecimal.
        skipped: name and reason of each image that was left out.
    """

    packed: int
    pixels: int
    sha256: str
    skipped: tuple[tuple[str, str], ...]


class Pack:
    """A pack, mapped into memory for reading.

    `len(pack)` is the number of images; `pack[i]` is a read-only uint8 view (H, W, 3), from which
    only the touched parts are ever loaded.
    """

    def __init__(self, folder: Path, index: PackIndex, pixels: npt.NDArray[np.uint8]) -> None:
        self.folder = folder
        self.index = index
        self._pixels = pixels
        self._verified = False

    @classmethod
    def open(cls, folder: Path | str) -> Pack:
        """Opens a pack. Checks its structure and sizes; `verify` checks the pixels too.

        Raises:
            DataError: missing, damaged or no pack.
        """
        folder = Path(folder)
        index = _read_index(folder)
        path = folder / PIXELS_FILE
        try:
            found = path.stat().st_size
            if found != index.nbytes:
                raise DataError(f"{path}: {found} bytes, its index says {index.nbytes}; {_REPACK}")
            pixels = np.memmap(path, dtype=np.uint8, mode="r")
        except OSError as error:
            raise DataError(f"{path}: cannot be read: {error.strerror}; {_REPACK}") from error
        return cls(folder, index, pixels)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the images."""
        return tuple(image.name for image in self.index.images)

    @property
    def sizes(self) -> npt.NDArray[np.int64]:
        """(N, 2) height and width of the images."""
        return np.array([(image.height, image.width) for image in self.index.images], np.int64)

    def __len__(self) -> int:
        return len(self.index.images)

    def __getitem__(self, position: int) -> npt.NDArray[np.uint8]:
        image = self.index.images[position]
        values = self._pixels[image.offset : image.offset + image.nbytes]
        return values.reshape(image.height, image.width, 3)

    def verify(self) -> None:
        """Reads every pixel, the first time that it is called, and compares the checksum.

        Raises:
            DataError: the pixels are not those that were packed.
        """
        if self._verified:
            return
        if hashlib.sha256(self._pixels.data).hexdigest() != self.index.sha256:
            raise DataError(f"{self.folder / PIXELS_FILE}: wrong sha256; {_REPACK}")
        self._verified = True


class PackWriter:
    """Writes a pack into a folder, image by image; a context manager.

    Nothing but the image at hand is held in memory.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = (folder / PIXELS_FILE).open("wb")
        self._hash = hashlib.sha256()
        self._images: list[PackedImage] = []
        self._nbytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._images)

    def add(self, name: str, pixels: npt.NDArray[np.uint8]) -> None:
        """Appends an image, (H, W, 3) uint8."""
        height, width, _ = pixels.shape
        values = np.ascontiguousarray(pixels)
        self._file.write(values.data)
        self._hash.update(values.data)
        self._images.append(PackedImage(name, height, width, self._nbytes))
        self._nbytes += values.nbytes

    def finish(self) -> PackIndex:
        """Writes the index and makes sure that everything is on the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())
        index = PackIndex(
            nbytes=self._nbytes, sha256=self._hash.hexdigest(), images=tuple(self._images)
        )
        text = msgspec.json.format(msgspec.json.encode(index), indent=1)
        (self._folder / INDEX_FILE).write_bytes(text)
        return index


def build_pack(
    sources: Sequence[ImageSource],
    out: Path,
    *,
    min_size: int = DEFAULT_MIN_SIZE,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> PackReport:
    """Decodes images into a new pack, one at a time. Broken, tiny and huge ones are skipped.

    Args:
        sources: the images, in the order of the pack.
        out: the pack's folder; it appears when it is complete.
        min_size: least height and width, in pixels.
        max_pixels: larger images are skipped.
        overwrite: replace a pack that is there.
        progress: called after each image.

    Returns:
        What was packed, and what was skipped and why.

    Raises:
        DataError: not one image is usable, or the pack cannot be written.
    """
    skipped: list[tuple[str, str]] = []
    with staged_folder(out, overwrite=overwrite) as folder, PackWriter(folder) as writer:
        for done, source in enumerate(sources, 1):
            try:
                writer.add(source.name, _decode(source, min_size, max_pixels))
            except ImageError as error:
                skipped.append((source.name, str(error)))
            if progress:
                progress(done, len(sources))
        if not len(writer):
            raise DataError(_nothing_usable(skipped))
        index = writer.finish()
    return PackReport(len(index.images), index.nbytes // 3, index.sha256, tuple(skipped))


_REPACK = "make the pack again (splitsr data pack)"


def _read_index(folder: Path) -> PackIndex:
    path = folder / INDEX_FILE
    try:
        index = msgspec.json.decode(path.read_bytes(), type=PackIndex)
    except FileNotFoundError:
        raise DataError(f"{folder}: not a pack (no {INDEX_FILE}); {_REPACK}") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise DataError(f"{path}: damaged, or of another version: {error}; {_REPACK}") from error
    end = 0
    for image in index.images:
        if image.offset != end or min(image.height, image.width) < 1:
            raise DataError(f"{path}: damaged at image {image.name}; {_REPACK}")
        end += image.nbytes
    if end != index.nbytes or not index.images:
        raise DataError(f"{path}: damaged: images of {end} bytes, not {index.nbytes}; {_REPACK}")
    return index


def _decode(source: ImageSource, min_size: int, max_pixels: int) -> npt.NDArray[np.uint8]:
    try:
        data = source.read()
    except OSError as error:
        raise ImageError(f"cannot be read: {error.strerror}") from error
    pixels = decode_rgb(data, max_pixels=max_pixels)
    height, width, _ = pixels.shape
    if min(height, width) < min_size:
        raise ImageError(f"{width}x{height} pixels, smaller than {min_size}")
    return pixels


def _nothing_usable(skipped: Sequence[tuple[str, str]]) -> str:
    if not skipped:
        return "no images to pack"
    name, reason = skipped[0]
    return f"none of {len(skipped)} images is usable; the first: {name}: {reason}"
