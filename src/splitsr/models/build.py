"""The table of networks: `ModelSpec.arch` -> class."""

from __future__ import annotations

from splitsr.models.splitsr import SplitSR
from splitsr.spec import ModelSpec

NETWORKS: dict[str, type[SplitSR]] = {"splitsr": SplitSR}


def build_model(spec: ModelSpec) -> SplitSR:
    """Builds the network of `spec` with PyTorch's default initialisation.

    Returns:
        A module that maps float32 (N, 3, H, W), RGB in [0, 1], to float32
        (N, 3, scale * H, scale * W), not clamped.
    """
    return NETWORKS[spec.arch](spec)
