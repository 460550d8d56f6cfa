"""Specs as plain values and as JSON: what files hold."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import msgspec

from splitsr.errors import SpecError
from splitsr.spec.base import ModelSpec
from splitsr.spec.others import (
    EDSRSpec,
    InterpolationSpec,
    RCANSpec,
    SANSpec,
    SMFANetSpec,
    SRCNNSpec,
)
from splitsr.spec.splitsr import SplitSRSpec, upgrade_fields

AnySpec = SplitSRSpec | RCANSpec | EDSRSpec | SANSpec | SRCNNSpec | SMFANetSpec | InterpolationSpec
"""A spec of any family, for msgspec to tell apart by `arch`."""

SPECS: dict[str, type[ModelSpec]] = {
    "splitsr": SplitSRSpec,
    "rcan": RCANSpec,
    "edsr": EDSRSpec,
    "san": SANSpec,
    "srcnn": SRCNNSpec,
    "smfanet": SMFANetSpec,
    "interpolation": InterpolationSpec,
}
"""`arch` -> class."""


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


def spec_from_dict(fields: dict[str, Any]) -> AnySpec:
    """Builds a spec from plain values, as read from TOML or JSON.

    Args:
        fields: `arch` (by default `splitsr`) and what its class has. Fields of earlier versions
            are understood.

    Raises:
        SpecError: an unknown field, a value of the wrong type or an impossible one.
    """
    arch = fields.get("arch", "splitsr")
    if not isinstance(arch, str) or arch not in SPECS:
        raise SpecError("arch", arch, ", ".join(SPECS))
    rest = {name: value for name, value in fields.items() if name != "arch"}
    kind = SPECS[arch]
    if kind is SplitSRSpec:
        rest = upgrade_fields(rest)
    types = {field.name: field.type for field in msgspec.structs.fields(kind)}
    for field, value in rest.items():
        if field not in types:
            raise SpecError(field, value, "one of the fields " + ", ".join(["arch", *types]))
        try:
            msgspec.convert(value, types[field])
        except msgspec.ValidationError as error:
            raise SpecError(field, value, _type_message(types[field], error)) from None
    spec: AnySpec = msgspec.convert({**rest, "arch": arch}, AnySpec)
    return spec


def spec_to_json(spec: ModelSpec) -> str:
    """The spec as one line of JSON, every field written out."""
    return msgspec.json.encode(spec).decode()


def spec_from_json(text: str) -> AnySpec:
    """Reads what `spec_to_json` wrote.

    Raises:
        SpecError: the text is no JSON object, or `spec_from_dict` refuses it.
    """
    try:
        fields = msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError) as error:
        raise SpecError("spec", text[:40], f"a JSON object ({error})") from None
    return spec_from_dict(fields)


def _type_message(kind: Any, error: msgspec.ValidationError) -> str:  # noqa: ANN401
    if get_origin(kind) is Literal:
        return ", ".join(map(str, get_args(kind)))
    return str(error)
