"""Networks, a folder each: the description, the torch module, an exact inference form.

`ModelSpec` is the complete description of a network; each family has a class of its own.
"""

from splitsr.networks.base import DIV2K_MEAN, ModelSpec
from splitsr.networks.edsr.description import EDSRSpec
from splitsr.networks.interpolation.description import InterpolationSpec
from splitsr.networks.rcan.description import RCANSpec
from splitsr.networks.registry import (
    FAMILIES,
    PRESETS,
    spec_from_config,
    spec_from_dict,
    spec_from_json,
    spec_to_dict,
    spec_to_json,
)
from splitsr.networks.san.description import SANSpec
from splitsr.networks.smfanet.description import SMFANetSpec
from splitsr.networks.splitsr.description import LIGHT_BLOCKS, LightBlock, SplitSRSpec
from splitsr.networks.srcnn.description import SRCNNSpec

__all__ = [
    "DIV2K_MEAN",
    "FAMILIES",
    "LIGHT_BLOCKS",
    "PRESETS",
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
