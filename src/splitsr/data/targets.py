"""Teacher targets: what a strong network makes of a pack's LR images, computed once.

A teacher's output is a fixed function of the LR image, and half of a step's time when it is
computed anew for every patch. Targets lie beside the LR images, `target_NAME_xS.bin`, and are
cut like HR images; `target_NAME_xS.json` says what made them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np
from numpy.typing import NDArray

from splitsr.data.pack import Pack, Progress, sha256_of
from splitsr.errors import DataError
from splitsr.imaging.atomic import write_atomic

Pixels = NDArray[np.uint8]
Upscale = Callable[[Pixels], Pixels]


class TargetIndex(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What made the targets.

    Attributes:
        model: the teacher, as it was named.
        ensemble: whether the eight symmetries were averaged.
        pack_sha256: of the pack's pixels.
        sha256: of the targets; empty while they are being made.
    """

    model: str
    ensemble: bool
    pack_sha256: str
    sha256: str = ""


def target_path(pack: Pack, name: str, scale: int) -> Path:
    """The file of a pack's targets."""
    return pack.folder / f"target_{name}_x{scale}.bin"


def write_targets(
    pack: Pack,
    lr_image: Callable[[int], Pixels],
    upscale: Upscale,
    scale: int,
    name: str,
    *,
    model: str,
    ensemble: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Computes a teacher's targets for every image of a pack; goes on where a call was stopped.

    Args:
        pack: the HR images.
        lr_image: gives the LR image of an index, uint8 (h, w, 3).
        upscale: the teacher, from uint8 (h, w, 3) to uint8 (scale * h, scale * w, 3).
        scale: of the teacher.
        name: of the targets.
        model: the teacher's name, for the record.
        ensemble: whether it averages over the eight symmetries of the square, for the record.
        progress: called after each image.

    Returns:
        The file of targets.

    Raises:
        DataError: they cannot be written.
        ImageWriteError: nor what says what they are.
    """
    path = target_path(pack, name, scale)
    record, partial = path.with_suffix(".json"), path.with_suffix(".partial")
    index = TargetIndex(model=model, ensemble=ensemble, pack_sha256=pack.index.sha256)
    try:
        if _read(record) != index:
            partial.unlink(missing_ok=True)
            write_atomic(record, msgspec.json.encode(index), overwrite=True)
        with partial.open("a+b") as file:
            done = _whole_images(file, pack.sizes // scale * scale)
            for i in range(done, len(pack)):
                file.write(np.ascontiguousarray(upscale(lr_image(i))).data)
                file.flush()
                if progress is not None:
                    progress(i + 1, len(pack))
            os.fsync(file.fileno())
        finished = msgspec.structs.replace(index, sha256=sha256_of(partial))
        partial.replace(path)
        write_atomic(record, msgspec.json.encode(finished), overwrite=True)
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror}") from error
    return path


def find_targets(pack: Pack, name: str, scale: int) -> Path:
    """The file of a pack's targets, checked.

    Raises:
        DataError: there are none of that name, or they are damaged or of another pack.
    """
    path = target_path(pack, name, scale)
    again = f"make them (again) with splitsr data teach {pack.folder} --name {name}"
    index = _read(path.with_suffix(".json"))
    if index is None or not index.sha256 or not path.exists():
        raise DataError(f"{path}: no finished targets; {again}")
    if index.pack_sha256 != pack.index.sha256:
        raise DataError(f"{path}: made of another pack; {again}")
    if sha256_of(path) != index.sha256:
        raise DataError(f"{path}: wrong sha256; {again}")
    return path


def _read(record: Path) -> TargetIndex | None:
    try:
        return msgspec.json.decode(record.read_bytes(), type=TargetIndex)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def _whole_images(file: BinaryIO, sizes: NDArray[np.int64]) -> int:
    """How many images are in the file; what follows the last whole one is cut off."""
    ends = np.cumsum(3 * sizes.prod(axis=1))
    done = int(np.searchsorted(ends, file.seek(0, os.SEEK_END), side="right"))
    file.truncate(int(ends[done - 1]) if done else 0)
    return done
