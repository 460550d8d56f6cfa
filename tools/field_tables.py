"""The tables of a configuration's fields: from their types, defaults and docstrings."""

from __future__ import annotations

import inspect
import re

import msgspec

from splitsr.data.degradations import Degradation
from splitsr.errors import DataError
from splitsr.experiments.result_files import markdown_table
from splitsr.limits import in_words
from splitsr.networks import SplitSRSpec
from splitsr.training.config import Optimizer, Schedule, Stage, TrainConfig, Validation

_SECTIONS: dict[str, type[msgspec.Struct]] = {
    "run": TrainConfig,
    "stage": Stage,
    "optimizer": Optimizer,
    "schedule": Schedule,
    "validation": Validation,
    "degradation": Degradation,
}


def training_blocks() -> dict[str, str]:
    """A table for each section of a run's file.

    Raises:
        DataError: a field is not documented.
    """
    return {name: field_table(kind) for name, kind in _SECTIONS.items()}


def architecture_blocks() -> dict[str, str]:
    """The table of SplitSR's description; raises as `training_blocks`."""
    return {"splitsr": field_table(SplitSRSpec)}


def field_table(kind: type[msgspec.Struct]) -> str:
    """A row for each field that is no table itself: its default, what it may be, and what it means.

    Raises:
        DataError: a field is not documented.
    """
    meanings = _attributes(kind)
    rows = []
    for field in msgspec.structs.fields(kind):
        if field.name not in meanings:
            raise DataError(f"{kind.__name__}.{field.name}: its docstring does not describe it")
        default, allowed = _shown(field.default), in_words(field.type)
        if allowed and "{" not in default:
            rows.append((f"`{field.name}`", default, allowed, meanings[field.name]))
    return markdown_table(("field", "default", "allowed", "meaning"), rows, left=4)


def _shown(default: object) -> str:
    if default is None or default is msgspec.NODEFAULT:
        return ""
    return f"`{msgspec.json.encode(default).decode()}`"


def _attributes(kind: type[msgspec.Struct]) -> dict[str, str]:
    """What the docstrings of a class and of those before it say of their fields, in a line each."""
    found: dict[str, str] = {}
    for one in reversed(kind.__mro__):
        _, _, listed = (inspect.getdoc(one) or "").partition("Attributes:\n")
        for name, text in re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", listed, re.MULTILINE):
            found[name] = " ".join(text.split()).removesuffix(".")
    return found
