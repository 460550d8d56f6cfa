"""A twin is trained as what it is used for: one end of a line of networks.

Network interpolation (Wang et al. 2018, arXiv 1811.10515) uses the weights `start + share * (twin -
start)` for any share between 0 and 1, the larger the worse the photo. A twin that is fine-tuned
alone is good at its own end, and what lies between is left to luck: the longer it is trained, the
worse it gets. Here every step takes a share of its own and patches as degraded as that share is
for. So the line as a whole is learnt, and its start, the clean model, stays what it was.
"""

from __future__ import annotations

from math import sqrt

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

# Multiples of it fill the unit interval more evenly than chance does (Weyl's sequence).
_GOLDEN = (sqrt(5) - 1) / 2


class Interpolated(nn.Module):
    """Weights on the way from where they started to the trained ones.

    Attributes:
        start: the weights that training started from.
        share: of the trained weights, a scalar tensor.
    """

    start: Tensor
    share: Tensor

    def __init__(self, start: Tensor) -> None:
        super().__init__()
        self.register_buffer("start", start.detach().clone())
        self.register_buffer("share", torch.ones(()), persistent=False)

    def forward(self, trained: Tensor) -> Tensor:
        """The mixed weights; at a share of 1, bit for bit the trained ones."""
        return torch.lerp(self.start, trained, self.share)


def interpolate(network: nn.Module) -> None:
    """Makes a network compute with weights on the way from its present ones, in place.

    It begins at a share of 1.
    """
    for module in [one for one in network.modules() if isinstance(one, nn.Conv2d)]:
        for name in ("weight", "bias"):
            if (tensor := getattr(module, name)) is not None:
                parametrize.register_parametrization(module, name, Interpolated(tensor))


def set_share(network: nn.Module, share: float) -> None:
    """Sets the share of the trained weights in every part of a network."""
    for module in network.modules():
        if isinstance(module, Interpolated):
            module.share.fill_(share)


def severity_at(step: int) -> float:
    """How degraded the patches of a step are, from 0 to 1: evenly spread over any few steps."""
    return (step * _GOLDEN) % 1


def share_for(severity: float) -> float:
    """The share of the trained weights for patches of a severity.

    Severity is a quantile of the squared error; the change that an image needs goes with the error
    itself.
    """
    return sqrt(severity)
