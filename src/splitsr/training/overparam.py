"""Kernels that are trained as a sum of branches and used as one: linear over-parameterisation.

Sources: Bhardwaj et al. 2022, SESR (arXiv 2103.09404), section on collapsible linear blocks: a wide
convolution followed by a 1x1 one is trained, and collapsed in every forward pass, so that a step
costs one convolution of the small network. Here the small kernel is kept beside them as a third
branch, so that plain weights can be a starting point.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize


class ExpandedKernel(nn.Module):
    """A kernel plus a wide convolution of its size followed by a 1x1 convolution.

    The second branch is zero at first: a network that is expanded computes what it did before.
    """

    def __init__(self, kernel: Tensor, expansion: int) -> None:
        super().__init__()
        out, into, height, width = kernel.shape
        wide = expansion * out
        self.widen = nn.Parameter(torch.empty(wide, into, height, width))
        self.narrow = nn.Parameter(torch.zeros(out, wide, 1, 1))
        nn.init.kaiming_uniform_(self.widen, a=5**0.5)  # as nn.Conv2d's own

    def forward(self, kernel: Tensor) -> Tensor:
        """(out, in, h, w) -> (out, in, h, w): the one kernel that equals the branches' sum."""
        return kernel + torch.einsum("om,mikl->oikl", self.narrow[:, :, 0, 0], self.widen)


def expand(network: nn.Module, expansion: int) -> None:
    """Gives every 3x3 convolution its training branches, in place.

    Args:
        network: any network of this project.
        expansion: the wide convolution has `expansion` times the output channels; 0 changes
            nothing.
    """
    if not expansion:
        return
    for module in list(network.modules()):
        if isinstance(module, nn.Conv2d) and module.kernel_size == (3, 3):
            branches = ExpandedKernel(module.weight, expansion)
            parametrize.register_parametrization(module, "weight", branches, unsafe=True)


def folded_weights(network: nn.Module) -> dict[str, Tensor]:
    """The weights of the plain network that computes the same: one kernel for all its branches.

    Returns:
        A `state_dict`, with the names of the network as it was before `expand` or `interpolate`.
    """
    weights: dict[str, Tensor] = network.state_dict()
    for name, module in network.named_modules():
        if not parametrize.is_parametrized(module):
            continue
        prefix = f"{name}." if name else ""
        parts = f"{prefix}parametrizations."
        weights = {key: tensor for key, tensor in weights.items() if not key.startswith(parts)}
        for part in module.parametrizations:
            weights[f"{prefix}{part}"] = getattr(module, part).detach()
    return weights
