"""The moving average of a network's weights."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn


class EMA:
    """Exponential moving average of a network's parameters.

    The decay rises with the steps, min(decay, (1 + t) / (10 + t)), so that the start is forgotten.

    Attributes:
        model: the averaged network, in evaluation mode.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self._average: list[Tensor] = list(self.model.parameters())
        self._current: list[Tensor] = list(model.parameters())

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Takes in the network's parameters after step `step` (from 0)."""
        decay = min(self.decay, (1 + step) / (10 + step)) if self.decay else 0.0
        torch._foreach_lerp_(self._average, self._current, 1 - decay)
