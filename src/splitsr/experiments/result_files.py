"""Results in files: JSON, and tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from splitsr.errors import DataError

T = TypeVar("T", bound=msgspec.Struct)
Row = Sequence[str]


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


def markdown_table(heading: Row, rows: Iterable[Row], *, left: int = 1) -> str:
    """A table in Markdown.

    Args:
        heading: titles of the columns.
        rows: as many cells each.
        left: how many columns are flush left; the others are figures, flush right.
    """
    rule = ["---" if index < left else "--:" for index in range(len(heading))]
    lines = [heading, rule, *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
