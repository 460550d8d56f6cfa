"""What every network of this package is."""

from __future__ import annotations

from torch import Tensor, nn

from splitsr.networks import ModelSpec


class Network(nn.Module):
    """A network that enlarges images.

    Input: float (N, 3, H, W), RGB in [0, 1], any H and W of at least 1.
    Output: float (N, 3, scale * H, scale * W), RGB, not clamped.

    Attributes:
        spec: its description.
    """

    spec: ModelSpec

    def forward(self, lr: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 1] -> (N, 3, scale * H, scale * W)."""
        raise NotImplementedError
