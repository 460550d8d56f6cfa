"""Folders that appear complete or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from splitsr.errors import DataError
from splitsr.imaging.atomic import part_folder


@contextmanager
def staged_folder(out: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Gives a folder to fill beside `out`, and renames it to `out` at the end.

    On any error, Ctrl-C included, the unfinished folder is removed and `out` is as it was.

    Args:
        out: the folder to make.
        overwrite: replace what is there.

    Yields:
        An empty folder on the same file system.

    Raises:
        DataError: `out` exists, or the file system refused (not writable, disk full).
    """
    if out.exists() and not overwrite:
        raise DataError(f"{out}: already exists; remove it, or replace it with --overwrite")
    try:
        with part_folder(out) as part:
            yield part
            _put_in_place(part, out)
    except OSError as error:
        raise DataError(f"{out}: cannot be written: {error.strerror or error}") from error


def _put_in_place(part: Path, out: Path) -> None:
    """Renames `part` to `out`; what was there goes only after that has worked."""
    if not out.exists():
        part.rename(out)
        return
    old = part.with_suffix(".old")
    out.rename(old)
    try:
        part.rename(out)
    except OSError:
        old.rename(out)
        raise
    shutil.rmtree(old) if old.is_dir() else old.unlink()
