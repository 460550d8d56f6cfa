"""Files of results in JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec

from splitsr.errors import DataError

T = TypeVar("T", bound=msgspec.Struct)


def read_json(path: Path, kind: type[T], what: str) -> T:
    """Reads a file of results.

    Args:
        path: the file.
        kind: what it holds.
        what: the same for people, as in "the results of a search".

    Raises:
        DataError: the file cannot be read, or holds something else.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError) as error:
        raise DataError(f"{path}: not {what} ({error})") from error


def to_json(value: msgspec.Struct) -> bytes:
    """A result as it stands in its file."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
