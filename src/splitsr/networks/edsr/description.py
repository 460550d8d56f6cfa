"""The description of EDSR."""

from __future__ import annotations

from splitsr.networks.base import Count, ResidualSpec, Share


class EDSRSpec(ResidualSpec, frozen=True, kw_only=True, tag="edsr"):
    """EDSR (Lim et al. 2017, arXiv 1707.02921). The defaults are EDSR-baseline.

    Attributes:
        n_resblocks: residual blocks of two convolutions.
        res_scale: a block's change is multiplied by it before the sum, in (0, 1].
    """

    n_resblocks: Count = 16
    res_scale: Share = 1.0

    @property
    def depth(self) -> int:
        """Of the input, two convolutions a block, and the trunk."""
        return 2 + 2 * self.n_resblocks


PRESETS = {
    "edsr-baseline": EDSRSpec(),
    "edsr": EDSRSpec(n_feats=256, n_resblocks=32, res_scale=0.1),
}
"""The published networks of the family, by name, at x4."""
