"""The table of networks: the class of a spec -> the class of its network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from splitsr.models.edsr import EDSR
from splitsr.models.interpolation import Interpolation
from splitsr.models.network import Network
from splitsr.models.rcan import RCAN
from splitsr.models.san import SAN
from splitsr.models.smfanet import SMFANet
from splitsr.models.splitsr import SplitSR
from splitsr.models.srcnn import SRCNN
from splitsr.spec import (
    EDSRSpec,
    InterpolationSpec,
    ModelSpec,
    RCANSpec,
    SANSpec,
    SMFANetSpec,
    SplitSRSpec,
    SRCNNSpec,
)

NETWORKS: dict[type[ModelSpec], Callable[[Any], Network]] = {
    SplitSRSpec: SplitSR,
    RCANSpec: RCAN,
    EDSRSpec: EDSR,
    SANSpec: SAN,
    SRCNNSpec: SRCNN,
    SMFANetSpec: SMFANet,
    InterpolationSpec: Interpolation,
}


def build_model(spec: ModelSpec) -> Network:
    """Builds the network of `spec` with PyTorch's default initialisation.

    Returns:
        A module that maps float32 (N, 3, H, W), RGB in [0, 1], to float32
        (N, 3, scale * H, scale * W), not clamped.
    """
    return NETWORKS[type(spec)](spec)
