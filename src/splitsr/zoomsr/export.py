"""The site as plain files, for any web server."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath

import msgspec

from splitsr.errors import ZoomError
from splitsr.imaging.atomic import part_folder
from splitsr.zoomsr.site import Site

MANIFEST = ".splitsr-export.json"
"""Lists the paths of an export, so that the next one replaces those and nothing else."""


def export_site(site: Site, target: Path, *, overwrite: bool = False) -> int:
    """Writes every file of the site, compressed ones beside them, and a list of all.

    They are written beside the target first, and take their places when all are there; what fails
    before leaves nothing behind.

    Args:
        site: what to write.
        target: a folder that does not exist or is empty.
        overwrite: replace the files of an earlier export; whatever else lies in the folder stays.

    Returns:
        Bytes that were written.

    Raises:
        ZoomError: the folder is not empty, or cannot be written.
    """
    target = target.resolve()
    files = {
        path: (resource, encoding)
        for resource in site.values()
        for path, encoding in resource.files().items()
    }
    earlier = _check(files, target, overwrite)
    try:
        with part_folder(target) as part:
            size = sum(_write(part / path, one.encoded(how)) for path, (one, how) in files.items())
            _write(part / MANIFEST, msgspec.json.encode(sorted(files)))
            _take_place(part, target, [path for path in earlier if path not in files])
    except OSError as error:
        raise ZoomError(f"{target}: cannot be written: {error.strerror or error}") from error
    return size


def _check(paths: Iterable[str], target: Path, overwrite: bool) -> list[str]:
    """The paths of the export that is to be replaced; refuses a folder that has other things."""
    if not target.exists():
        return []
    if not target.is_dir():
        raise ZoomError(f"{target}: is a file; name a folder")
    if not any(target.iterdir()):
        return []
    if not overwrite:
        raise ZoomError(f"{target}: the folder is not empty; name another, or use --overwrite")
    earlier = _read_manifest(target)
    others = [path for path in paths if path not in earlier and (target / path).exists()]
    if others:
        raise ZoomError(f"{target}: {others[0]} is not of an earlier export; name another folder")
    return earlier


def _read_manifest(target: Path) -> list[str]:
    try:
        paths = msgspec.json.decode((target / MANIFEST).read_bytes(), type=list[str])
    except (OSError, msgspec.DecodeError, RecursionError):
        raise ZoomError(
            f"{target}: the folder holds other things than an export; name another"
        ) from None
    # It may have been written by anyone: only what lies in the folder is replaced.
    real = [Path(os.path.realpath(target / path)) for path in paths]
    return [path for path, file in zip(paths, real, strict=True) if target in file.parents]


def _write(path: Path, content: bytes) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.write_bytes(content)


def _take_place(part: Path, target: Path, gone: list[str]) -> None:
    """Moves the files to their places, the list first, and deletes those that are no more."""
    if not target.exists():
        part.rename(target)
        return
    files = sorted(path for path in part.rglob("*") if path.is_file())
    for file in files:
        place = target / file.relative_to(part)
        place.parent.mkdir(parents=True, exist_ok=True)
        file.replace(place)
    for path in gone:
        with suppress(OSError):  # it is gone already, or its folder has other things
            (target / path).unlink()
            for folder in PurePosixPath(path).parents[:-1]:
                (target / folder).rmdir()
