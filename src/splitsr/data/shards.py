"""Shards: a pack as a few small files that can be moved one by one and joined again.

A shard is a ZIP file of encoded images, stored as they are, and a manifest. The images are the
source files' own bytes where those are compressed (a photo's JPEG is by far its smallest lossless
form: it decodes to the pixels that are in the pack), and lossless WebP or PNG otherwise. The
manifest has a checksum of every image's bytes and the pack's checksum, so the joined pack is
either identical to the first one or refused.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt
import PIL
from PIL import Image, features

from splitsr.data.pack import Pack, PackReport, PackWriter, Progress, sha256_of
from splitsr.data.sources import ImageSource, decode_rgb
from splitsr.data.staging import staged_folder
from splitsr.errors import DataError, ImageError
from splitsr.imaging.codecs.formats import sniff

MANIFEST = "shard.json"
SHARD_SUFFIX = ".shard"
CHECKSUMS_FILE = "SHA256SUMS"

# What a shard needs beside an image's bytes: two ZIP headers and a manifest entry, which holds
# the name (JSON may write a byte of it as six), and once the manifest's head.
_IMAGE_OVERHEAD = 400
_SHARD_OVERHEAD = 2000
_KEPT_FORMATS = frozenset({"JPEG", "PNG", "WEBP", "AVIF"})
# WebP holds no longer side, and Pillow's reader warns of more pixels.
_WEBP_MAX_SIDE = 16_383
_WEBP_MAX_PIXELS = 64_000_000
# What is in a pack has passed its limit.
_NO_LIMIT = 2**63


class ShardImage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One image of a shard: its name in the pack and the sha256 of its encoded bytes."""

    name: str
    sha256: str


class ShardManifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a shard says of itself.

    Attributes:
        format: tells a shard from other ZIP files.
        version: of the layout.
        number: from 1 to `count`.
        count: how many shards the pack was split into.
        pack_sha256: of the pack's pixel file.
        decoder: what decoded the pack's images; others may differ by a level in a JPEG.
        images: in the order of the pack.
    """

    format: Literal["splitsr-shard"] = "splitsr-shard"
    version: Literal[1] = 1
    number: int
    count: int
    pack_sha256: str
    decoder: str
    images: tuple[ShardImage, ...]


@dataclass(frozen=True)
class _Shard:
    path: Path
    manifest: ShardManifest


def write_shards(
    pack: Pack,
    sources: Sequence[ImageSource],
    out: Path,
    *,
    shard_bytes: int,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> list[Path]:
    """Splits a pack into shards.

    Args:
        pack: the pack.
        sources: the images that it was built from; those that are not in it are passed over.
        out: the folder for the shards and a file of their checksums, in `sha256sum`'s form.
        shard_bytes: the largest size of a shard.
        overwrite: replace a folder that is there.
        progress: called after each image.

    Returns:
        The shards, in order.

    Raises:
        DataError: an image alone is larger than a shard, a source has changed or is gone, or the
            shards cannot be written.
    """
    by_name = {source.name: source for source in sources}
    with staged_folder(out, overwrite=overwrite) as folder:
        splitter = _Splitter(folder, shard_bytes)
        for position, name in enumerate(pack.names):
            splitter.add(name, _encoded(by_name.get(name), name, pack[position]))
            if progress:
                progress(position + 1, len(pack))
        count = splitter.finish(pack.index.sha256)
    return [_shard_path(out, number) for number in range(1, count + 1)]


def join_shards(
    paths: Sequence[Path],
    out: Path,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> PackReport:
    """Rebuilds the pack that shards were made of.

    Args:
        paths: all shards of one pack, in any order, or folders that hold them.
        out: the pack's folder; it appears when it is complete.
        overwrite: replace a pack that is there.
        progress: called after each image.

    Returns:
        What was packed.

    Raises:
        DataError: shards that are missing, given twice, damaged or of several packs (all named),
            or pixels that differ from those of the first pack.
    """
    shards = _complete_set([_read_shard(path) for path in _shard_files(paths)])
    total = sum(len(shard.manifest.images) for shard in shards)
    with staged_folder(out, overwrite=overwrite) as folder, PackWriter(folder) as writer:
        for shard in shards:
            for name, data in _read_images(shard):
                writer.add(name, _decode(shard, name, data))
                if progress:
                    progress(len(writer), total)
        index = writer.finish()
        if index.sha256 != shards[0].manifest.pack_sha256:
            raise DataError(_other_pixels(shards[0].manifest.decoder))
    return PackReport(total, index.nbytes // 3, index.sha256, ())


class _Splitter:
    """Fills shards with encoded images, one shard after another."""

    def __init__(self, folder: Path, shard_bytes: int) -> None:
        self._folder = folder
        self._capacity = shard_bytes - _SHARD_OVERHEAD
        self._room = 0
        self._shards: list[list[ShardImage]] = []

    def add(self, name: str, data: bytes) -> None:
        """Appends an image, to a new shard if the last one is full."""
        need = len(data) + 6 * len(name.encode()) + _IMAGE_OVERHEAD
        if need > self._capacity:
            megabytes = (need + _SHARD_OVERHEAD) / 1e6
            raise DataError(f"{name}: needs a shard of {megabytes:.2f} MB; allow larger shards")
        if need > self._room:
            self._shards.append([])
            self._room = self._capacity
        self._room -= need
        images = self._shards[-1]
        _append(_shard_path(self._folder, len(self._shards)), _member(len(images)), data)
        images.append(ShardImage(name, hashlib.sha256(data).hexdigest()))

    def finish(self, pack_sha256: str) -> int:
        """Adds the manifests, now that the number of shards is known, and returns that number."""
        checksums = ""
        for number, images in enumerate(self._shards, 1):
            manifest = ShardManifest(
                number=number,
                count=len(self._shards),
                pack_sha256=pack_sha256,
                decoder=_decoder(),
                images=tuple(images),
            )
            path = _shard_path(self._folder, number)
            _append(path, MANIFEST, msgspec.json.encode(manifest))
            checksums += f"{sha256_of(path)}  {path.name}\n"
        (self._folder / CHECKSUMS_FILE).write_text(checksums, encoding="utf-8")
        return len(self._shards)


def _append(path: Path, member: str, data: bytes) -> None:
    """Adds a member to a ZIP file, with a fixed date: equal packs make equal shards."""
    with zipfile.ZipFile(path, "a") as file:
        file.writestr(zipfile.ZipInfo(member), data)


def _encoded(source: ImageSource | None, name: str, pixels: npt.NDArray[np.uint8]) -> bytes:
    """The image's smallest bytes at hand that decode to exactly `pixels`."""
    if source is None:
        raise DataError(f"{name}: in the pack, but not among the sources; give the same folders")
    try:
        data = source.read()
        same = np.array_equal(decode_rgb(data, max_pixels=_NO_LIMIT), pixels)
    except (OSError, ImageError) as error:
        raise DataError(f"{name}: cannot be read any more: {error}") from error
    if not same:
        raise DataError(f"{name}: has changed since it was packed; make the pack again")
    return data if sniff(data[:32], name).name in _KEPT_FORMATS else _encode(pixels)


def _encode(pixels: npt.NDArray[np.uint8]) -> bytes:
    """Losslessly compressed: WebP, or PNG where WebP cannot hold it."""
    file = BytesIO()
    image = Image.fromarray(pixels)
    if max(image.size) <= _WEBP_MAX_SIDE and image.width * image.height <= _WEBP_MAX_PIXELS:
        image.save(file, "WEBP", lossless=True, quality=100)
    else:
        image.save(file, "PNG", optimize=True)
    return file.getvalue()


def _shard_path(folder: Path, number: int) -> Path:
    return folder / f"{number:04d}{SHARD_SUFFIX}"


def _member(position: int) -> str:
    """Name of an image inside its shard; the true one, with any letters, is in the manifest."""
    return f"{position:06d}"


def _decoder() -> str:
    """What JPEGs are decoded with here."""
    return f"Pillow {PIL.__version__}, libjpeg {features.version_codec('jpg')}"


def _shard_files(paths: Sequence[Path]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        found = sorted(path.glob(f"*{SHARD_SUFFIX}")) if path.is_dir() else [path]
        if not found:
            raise DataError(f"{path}: no shards (*{SHARD_SUFFIX}) in this folder")
        files += found
    return files


def _read_shard(path: Path) -> _Shard:
    try:
        with zipfile.ZipFile(path) as file:
            manifest = msgspec.json.decode(file.read(MANIFEST), type=ShardManifest)
    except FileNotFoundError:
        raise DataError(f"{path}: no such shard") from None
    except (OSError, zipfile.BadZipFile, KeyError, msgspec.DecodeError) as error:
        raise DataError(f"{path}: damaged, or no shard: {error}; copy it again") from error
    return _Shard(path, manifest)


def _complete_set(shards: list[_Shard]) -> list[_Shard]:
    """The shards in order, once it is certain that they are one pack, whole and once."""
    first = shards[0]
    by_number: dict[int, _Shard] = {}
    for shard in shards:
        if shard.manifest.pack_sha256 != first.manifest.pack_sha256:
            raise DataError(f"{first.path} and {shard.path}: shards of different packs")
        twin = by_number.setdefault(shard.manifest.number, shard)
        if twin is not shard:
            number = shard.manifest.number
            raise DataError(f"{twin.path} and {shard.path}: both are shard {number}; give it once")
    count = first.manifest.count
    missing = [str(number) for number in range(1, count + 1) if number not in by_number]
    if missing:
        raise DataError(f"missing shards: {', '.join(missing)} of {count}; give all of them")
    return [by_number[number] for number in sorted(by_number)]


def _read_images(shard: _Shard) -> Iterator[tuple[str, bytes]]:
    """Names and encoded bytes of a shard's images, checked."""
    for position, image in enumerate(shard.manifest.images):
        try:
            with zipfile.ZipFile(shard.path) as file:
                data = file.read(_member(position))
        except (OSError, zipfile.BadZipFile, KeyError) as error:
            raise DataError(f"{shard.path}: damaged: {error}; copy it again") from error
        if hashlib.sha256(data).hexdigest() != image.sha256:
            raise DataError(f"{shard.path}: damaged at {image.name}; copy it again")
        yield image.name, data


def _decode(shard: _Shard, name: str, data: bytes) -> npt.NDArray[np.uint8]:
    try:
        return decode_rgb(data, max_pixels=_NO_LIMIT)
    except ImageError as error:
        decoders = f"split with {shard.manifest.decoder}, here is {_decoder()}"
        raise DataError(f"{shard.path}: {name}: {error}; {decoders}") from error


def _other_pixels(decoder: str) -> str:
    return (
        f"the images decode to other pixels here ({_decoder()}) than where they were split "
        f"({decoder}); install that Pillow"
    )
