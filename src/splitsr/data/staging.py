"""Folders that appear complete or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from splitsr.errors import DataError


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
        raise DataError(f"{out}: exists already; remove it, or overwrite it (--overwrite)")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".partial", dir=out.parent))
    except OSError as error:
        raise DataError(f"{out}: cannot be written: {error.strerror}") from error
    try:
        yield staging
        staging.chmod(0o755)  # mkdtemp makes it for its owner alone
        _put_in_place(staging, out)
    except OSError as error:
        raise DataError(f"{out}: cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _put_in_place(staging: Path, out: Path) -> None:
    """Renames `staging` to `out`; what was there goes only after that has worked."""
    if not out.exists():
        staging.rename(out)
        return
    old = staging.with_suffix(".old")
    out.rename(old)
    try:
        staging.rename(out)
    except OSError:
        old.rename(out)
        raise
    shutil.rmtree(old) if old.is_dir() else old.unlink()
