"""`ModelSpec`: the complete description of a network.

A spec is stored in every weight file and in the metadata of every exported model, so a network
is never guessed from tensor shapes. Each family of networks has a class of its own.
"""

from splitsr.spec.base import DIV2K_MEAN, ModelSpec
from splitsr.spec.files import SPECS, AnySpec, spec_from_dict, spec_from_json, spec_to_json
from splitsr.spec.others import (
    EDSRSpec,
    InterpolationSpec,
    RCANSpec,
    SANSpec,
    SMFANetSpec,
    SRCNNSpec,
)
from splitsr.spec.presets import PRESETS, spec_from_config, spec_to_dict
from splitsr.spec.splitsr import LIGHT_BLOCKS, LightBlock, SplitSRSpec

__all__ = [
    "DIV2K_MEAN",
    "LIGHT_BLOCKS",
    "PRESETS",
    "SPECS",
    "AnySpec",
    "EDSRSpec",
    "InterpolationSpec",
    "LightBlock",
    "ModelSpec",
    "RCANSpec",
    "SANSpec",
    "SMFANetSpec",
    "SRCNNSpec",
    "SplitSRSpec",
    "spec_from_config",
    "spec_from_dict",
    "spec_from_json",
    "spec_to_dict",
    "spec_to_json",
]
