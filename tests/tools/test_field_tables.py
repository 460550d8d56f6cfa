"""The tables of fields say what the types and the docstrings say."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
import pytest
from msgspec import Meta

from splitsr.errors import DataError
from splitsr.networks.registry import FAMILIES
from tools.field_tables import architecture_blocks, field_table, training_blocks


class _Inner(msgspec.Struct, frozen=True):
    """A table of its own."""


class _Section(msgspec.Struct, kw_only=True):
    """A section.

    Attributes:
        steps: how many,
            in two lines.
        kind: which.
        name: whose.
        inner: elsewhere.
    """

    steps: Annotated[int, Meta(ge=1)] = 3
    kind: Literal["b", "a"] | None = None
    name: str
    inner: _Inner = _Inner()


def test_a_row_for_each_value() -> None:
    assert field_table(_Section).splitlines()[2:] == [
        "| `steps` | `3` | 1 or more | how many, in two lines |",
        "| `kind` |  | a or b | which |",
        "| `name` |  | text | whose |",
    ]


def test_what_is_not_described_is_refused() -> None:
    class Silent(msgspec.Struct):
        """Says nothing."""

        steps: int = 1

    with pytest.raises(DataError, match=r"Silent\.steps: its docstring"):
        field_table(Silent)


def test_every_field_of_every_configuration_is_described() -> None:
    tables = {**training_blocks(), **architecture_blocks()}
    assert "| `teacher_weight` | `0.0` | 0 or more | weight of" in tables["stage"]
    assert "| `stages`" not in tables["run"]
    for family in FAMILIES.values():
        assert "| `scale` | `4` | 2 to 4 |" in field_table(family.spec)
