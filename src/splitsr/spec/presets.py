"""Networks that have a name: those of the papers, at every scale.

No weights of them ship; `splitsr info` measures them, and a configuration's `[model]` table may
begin with one: `base = "edsr-baseline-x4"`.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

import msgspec

from splitsr.errors import SpecError
from splitsr.spec.base import ModelSpec
from splitsr.spec.files import AnySpec, spec_from_dict
from splitsr.spec.others import (
    EDSRSpec,
    InterpolationSpec,
    RCANSpec,
    SANSpec,
    SMFANetSpec,
    SRCNNSpec,
)
from splitsr.spec.splitsr import SplitSRSpec

_FAMILIES: dict[str, AnySpec] = {
    "paper": SplitSRSpec(),
    "edsr-baseline": EDSRSpec(),
    "edsr": EDSRSpec(n_feats=256, n_resblocks=32, res_scale=0.1),
    "rcan": RCANSpec(),
    "san": SANSpec(),
    "srcnn": SRCNNSpec(),
    "srcnn-915": SRCNNSpec(kernels=(9, 1, 5)),
    "srcnn-rgb": SRCNNSpec(channels=3),
    "smfanet": SMFANetSpec(n_feats=36, n_blocks=8),
    "smfanet-plus": SMFANetSpec(),
    "bilinear": InterpolationSpec(kernel="bilinear"),
    "bicubic": InterpolationSpec(kernel="bicubic"),
}

PRESETS: dict[str, AnySpec] = {
    "paper": _FAMILIES["paper"],
    **{
        f"{family}-x{scale}": msgspec.structs.replace(spec, scale=scale)
        for family, spec in _FAMILIES.items()
        for scale in (2, 3, 4)
    },
}
"""Name -> network: `<family>-x<scale>`, and `paper` for `paper-x4`."""


def spec_from_config(fields: dict[str, Any]) -> AnySpec:
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
