"""The site as plain files, for any web server."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

from splitsr.errors import ZoomError
from splitsr.zoomsr.site import INDEX, Site


def export_site(site: Site, target: Path, *, overwrite: bool = False) -> int:
    """Writes every file of the site.

    They are written beside the target, which gets its name when all are there; what fails before
    leaves nothing behind.

    Args:
        site: what to write.
        target: a folder that does not exist or is empty.
        overwrite: replace a folder that has an earlier export in it.

    Returns:
        Bytes that were written.

    Raises:
        ZoomError: the folder is not empty, or cannot be written.
    """
    _check(target, overwrite)
    target = target.resolve()
    part = target.with_name(f".splitsr-{secrets.token_hex(8)}.part")
    try:
        size = sum(_write(part / path, resource.content) for path, resource in site.items())
        _take_place(part, target)
    except OSError as error:
        raise ZoomError(f"{target}: cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return size


def _check(target: Path, overwrite: bool) -> None:
    if not target.exists():
        return
    if not target.is_dir():
        raise ZoomError(f"{target}: is a file; name a folder")
    if not any(target.iterdir()):
        return
    if not overwrite:
        raise ZoomError(f"{target}: the folder is not empty; name another, or use --overwrite")
    # A folder is replaced whole, so it must not be one that holds anything else.
    if not (target / INDEX).is_file() or not (target / "models" / "index.json").is_file():
        raise ZoomError(f"{target}: the folder holds other things than an export; name another")


def _write(path: Path, content: bytes) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.write_bytes(content)


def _take_place(part: Path, target: Path) -> None:
    """Gives the new folder its name; an old one is moved away first, and deleted last."""
    if not target.exists():
        part.rename(target)
        return
    old = part.with_suffix(".old")
    target.rename(old)
    part.rename(target)
    shutil.rmtree(old)
