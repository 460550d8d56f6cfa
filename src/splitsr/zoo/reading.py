"""Files that must end: descriptions, configurations, networks."""

from __future__ import annotations

import stat
from pathlib import Path

from splitsr.errors import WeightsError

MAX_FILE_BYTES = 2**30


def read_file(path: Path) -> bytes:
    """All of a file, which must end: a description, a configuration, a network.

    Raises:
        OSError: the system refuses, it is no regular file, or has more than `MAX_FILE_BYTES`.
    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise OSError(0, "not a file, but a folder, a pipe or a device", str(path))
    if found.st_size > MAX_FILE_BYTES:
        raise OSError(0, f"has {found.st_size / 2**30:.1f} GiB, more than 1 GiB", str(path))
    return path.read_bytes()


def read_model_file(path: Path) -> bytes:
    """All of a file of models.

    Raises:
        WeightsError: as `read_file` refuses it.
    """
    try:
        return read_file(path)
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read: {error.strerror}") from error
