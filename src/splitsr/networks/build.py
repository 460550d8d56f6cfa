"""From a description to its network in torch."""

from __future__ import annotations

from importlib import import_module

from splitsr.networks.base import ModelSpec
from splitsr.networks.network import Network
from splitsr.networks.registry import FAMILIES


def build_model(spec: ModelSpec) -> Network:
    """Builds the network of `spec` with PyTorch's default initialisation.

    Returns:
        A module that maps float32 (N, 3, H, W), RGB in [0, 1], to float32
        (N, 3, scale * H, scale * W), not clamped.
    """
    module = import_module(f"splitsr.networks.{spec.arch}.module")
    network: Network = getattr(module, FAMILIES[spec.arch].network)(spec)
    return network
