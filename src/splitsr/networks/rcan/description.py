"""The description of RCAN."""

from __future__ import annotations

from splitsr.networks.base import AttentionSpec


class RCANSpec(AttentionSpec, frozen=True, kw_only=True, tag="rcan"):
    """RCAN (Zhang et al. 2018, arXiv 1807.02758): channel attention averages the whole image."""


PRESETS = {"rcan": RCANSpec()}
"""The published networks of the family, by name, at x4."""
