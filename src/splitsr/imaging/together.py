"""Files that are written together: all of them, or none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from splitsr.imaging.atomic import write_atomic


def write_together(contents: Mapping[Path, bytes]) -> None:
    """Writes files in order; if one cannot be written, those before get their old content back.

    Raises:
        ImageWriteError: a file cannot be written.
    """
    before = {path: path.read_bytes() if path.is_file() else None for path in contents}
    written: list[Path] = []
    try:
        for path, content in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            written.append(path)
            write_atomic(path, content, overwrite=True)
    except BaseException:
        for path in reversed(written):
            _restore(path, before[path])
        raise


def _restore(path: Path, content: bytes | None) -> None:
    if content is not None and path.read_bytes() != content:
        write_atomic(path, content, overwrite=True)
    elif content is None and path.is_file():
        path.unlink()
