"""The networks that there are: one row each, and from a name or a file to a description.

A description is stored in every weight file and in the metadata of every exported model, so a
network is never guessed from tensor shapes.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

import msgspec

from splitsr.errors import SpecError
from splitsr.networks.base import SCALES, ModelSpec, convert_field, field_types
from splitsr.networks.edsr import description as edsr
from splitsr.networks.interpolation import description as interpolation
from splitsr.networks.rcan import description as rcan
from splitsr.networks.san import description as san
from splitsr.networks.smfanet import description as smfanet
from splitsr.networks.splitsr import description as splitsr
from splitsr.networks.srcnn import description as srcnn


class Family(NamedTuple):
    """Networks of one kind.

    Attributes:
        spec: the class of their descriptions.
        presets: those that have a name, at x4.
        network: the class of their torch modules, in `module.py` of the family's folder.
    """

    spec: type[ModelSpec]
    presets: Mapping[str, ModelSpec]
    network: str


FAMILIES = {
    "splitsr": Family(splitsr.SplitSRSpec, splitsr.PRESETS, "SplitSR"),
    "rcan": Family(rcan.RCANSpec, rcan.PRESETS, "RCAN"),
    "edsr": Family(edsr.EDSRSpec, edsr.PRESETS, "EDSR"),
    "san": Family(san.SANSpec, san.PRESETS, "SAN"),
    "srcnn": Family(srcnn.SRCNNSpec, srcnn.PRESETS, "SRCNN"),
    "smfanet": Family(smfanet.SMFANetSpec, smfanet.PRESETS, "SMFANet"),
    "interpolation": Family(
        interpolation.InterpolationSpec, interpolation.PRESETS, "Interpolation"
    ),
}
"""`arch` -> family; the family's folder has the same name."""

PRESETS: dict[str, ModelSpec] = {
    "paper": splitsr.SplitSRSpec(),
    **{
        f"{name}-x{scale}": msgspec.structs.replace(spec, scale=scale)
        for family in FAMILIES.values()
        for name, spec in family.presets.items()
        for scale in SCALES
    },
}
"""Name -> network: `<family>-x<scale>`, and `paper` for `paper-x4`.

No weights of them ship; `splitsr info` measures them, and a configuration's `[model]` table may
begin with one: `base = "edsr-baseline-x4"`.
"""


def spec_from_dict(fields: dict[str, Any]) -> ModelSpec:
    """Builds a spec from plain values, as read from TOML or JSON.

    Args:
        fields: `arch` (by default `splitsr`) and what its class has. Fields of earlier versions
            are understood.

    Raises:
        SpecError: an unknown field, a value of the wrong type or an impossible one.
    """
    arch = fields.get("arch", "splitsr")
    if not isinstance(arch, str) or arch not in FAMILIES:
        raise SpecError("arch", arch, ", ".join(FAMILIES))
    rest = {name: value for name, value in fields.items() if name != "arch"}
    kind = FAMILIES[arch].spec
    if kind is splitsr.SplitSRSpec:
        rest = splitsr.upgrade_fields(rest)
    types = field_types(kind)
    for field, value in rest.items():
        if field not in types:
            raise SpecError(field, value, "one of the fields " + ", ".join(["arch", *types]))
    return kind(**{field: convert_field(field, rest[field], types[field]) for field in rest})


def spec_to_json(spec: ModelSpec) -> str:
    """The spec as one line of JSON, every field written out."""
    return msgspec.json.encode(spec).decode()


def spec_from_json(text: str) -> ModelSpec:
    """Reads what `spec_to_json` wrote.

    Raises:
        SpecError: the text is no JSON object, or `spec_from_dict` refuses it.
    """
    try:
        fields = msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError) as error:
        raise SpecError("spec", text[:40], f"a JSON object ({error})") from None
    return spec_from_dict(fields)


def spec_from_config(fields: dict[str, Any]) -> ModelSpec:
    """Builds the spec of a configuration's `[model]` table.

    Args:
        fields: as for `spec_from_dict`, and `base`, the name of a preset whose fields hold unless
            others are given.

    Raises:
        SpecError: no such preset, or `spec_from_dict` refuses what is there.
    """
    if "base" not in fields:
        return spec_from_dict(fields)
    rest = {name: value for name, value in fields.items() if name != "base"}
    base = fields["base"]
    if not isinstance(base, str) or base not in PRESETS:
        close = get_close_matches(str(base), PRESETS, n=3, cutoff=0.4)
        raise SpecError("base", base, ", ".join(close or PRESETS))
    preset = PRESETS[base]
    if rest.get("arch", preset.arch) != preset.arch:
        raise SpecError("arch", rest["arch"], f"{preset.arch}, as in base {base!r}")
    return spec_from_dict({**spec_to_dict(preset), **rest})


def spec_to_dict(spec: ModelSpec) -> dict[str, Any]:
    """The spec as plain values, every field written out."""
    fields: dict[str, Any] = msgspec.to_builtins(spec)
    return fields
