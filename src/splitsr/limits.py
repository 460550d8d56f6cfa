"""What the type of a field allows, in words: for errors, and for the tables of the documents."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import inspect

_STEP = re.compile(r"\.(\w+)|\[(\d+|\.\.\.)\]")
_COUNTS = ("", "one value", "two values", "three values")


def in_words(kind: Any) -> str:  # noqa: ANN401 (any type)
    """What a type allows, such as `1 to 10000` or `true or false`; "" for anything else."""
    return _words(inspect.type_info(kind))


def explain(error: msgspec.ValidationError, kind: Any) -> str:  # noqa: ANN401 (any type)
    """What was wrong with a value of a type, such as `stages[0].steps: must be 1 or more`."""
    reason, _, path = str(error).partition(" - at `$")
    path = path.rstrip("`")
    allowed = _words(_at(inspect.type_info(kind), path))
    if allowed:
        reason = f"must be {allowed}" + (f" ({reason})" if ", got " in reason else "")
    return f"{path.removeprefix('.')}: {reason}" if path else reason


def _words(kind: inspect.Type) -> str:
    match kind:
        case inspect.Metadata():
            return _words(kind.type)
        case inspect.BoolType():
            return "true or false"
        case inspect.StrType():
            return "text"
        case inspect.IntType():
            return _range(kind) or "a whole number"
        case inspect.FloatType():
            return _range(kind) or "a number"
        case inspect.LiteralType():
            return " or ".join([", ".join(map(str, kind.values[:-1])), str(kind.values[-1])])
        case inspect.TupleType():
            return f"{_COUNTS[len(kind.item_types)]}, each {_words(kind.item_types[0])}"
        case inspect.VarTupleType():
            items = _words(kind.item_type)
            least = f"a list of at least {kind.min_length}" if kind.min_length else "a list"
            return f"{least}, each {items}" if items else least
        case inspect.UnionType():
            return next(_words(one) for one in kind.types if not isinstance(one, inspect.NoneType))
    return ""


def _range(kind: inspect.IntType | inspect.FloatType) -> str:
    even = "an even number, " if kind.multiple_of == 2 else ""
    if kind.ge is not None and kind.le is not None:
        return f"{even}{kind.ge:g} to {kind.le:g}"
    bounds = {"{:g} or more": kind.ge, "above {:g}": kind.gt}
    bounds |= {"at most {:g}": kind.le, "below {:g}": kind.lt}
    return even + ", ".join(words.format(at) for words, at in bounds.items() if at is not None)


def _at(kind: inspect.Type, path: str) -> inspect.Type:
    """The type at a path of msgspec's, such as `.stages[0].steps`."""
    for field, index in _STEP.findall(path):
        kind = _inside(kind)
        match kind:
            case inspect.StructType():
                kind = next(one.type for one in kind.fields if one.encode_name == field)
            case inspect.VarTupleType() | inspect.ListType():
                kind = kind.item_type
            case inspect.TupleType():
                kind = kind.item_types[int(index)]
            case inspect.DictType():
                kind = kind.value_type
    return _inside(kind)


def _inside(kind: inspect.Type) -> inspect.Type:
    """A type without what is said about it, or without None."""
    while isinstance(kind, inspect.Metadata | inspect.UnionType):
        if isinstance(kind, inspect.Metadata):
            kind = kind.type
        else:
            kind = next(one for one in kind.types if not isinstance(one, inspect.NoneType))
    return kind
