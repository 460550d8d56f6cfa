"""The optimizers of a run, seen as one."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from splitsr.training.config import Optimizer
from splitsr.training.muon import Muon

# What the networks call the parts between features and features.
_BODIES = ("groups", "body", "trunk", "mapping")


class Optimizers:
    """One or two optimizers as one.

    Attributes:
        members: the optimizers; together they hold every parameter once.
    """

    def __init__(self, members: list[torch.optim.Optimizer]) -> None:
        self.members = members

    def set_learning_rate(self, learning_rate: float) -> None:
        """Sets the learning rate of every parameter, in place where it is a tensor."""
        for group in (group for member in self.members for group in member.param_groups):
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(learning_rate)
            else:
                group["lr"] = learning_rate

    def zero_grad(self) -> None:
        """Sets all gradients to zero, in place: a CUDA graph replays their addresses."""
        for member in self.members:
            member.zero_grad(set_to_none=False)

    def step(self) -> None:
        """Updates all parameters."""
        for member in self.members:
            member.step()

    def state_dict(self) -> list[dict[str, Any]]:
        """The members' states, in order."""
        return [member.state_dict() for member in self.members]

    def load_state_dict(self, states: list[dict[str, Any]]) -> None:
        """Restores what `state_dict` gave."""
        for member, state in zip(self.members, states, strict=True):
            member.load_state_dict(state)


def build_optimizers(model: nn.Module, settings: Optimizer, device: torch.device) -> Optimizers:
    """The optimizers of a configuration, over the parameters of `model`.

    With `muon`, the body's kernels go to Muon; biases, depthwise kernels, which are no matrices
    between channels, and the input and picture-making convolutions, whose rows are pixels, stay
    with Adam.
    """
    body: list[nn.Parameter] = []
    rest: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        inner = name.startswith(_BODIES) and parameter.ndim == 4 and parameter.shape[1] > 1
        (body if settings.kind == "muon" and inner else rest).append(parameter)
    cuda = device.type == "cuda"
    # A CUDA graph replays addresses: the learning rate has to live in a tensor on the device.
    rate: Any = torch.tensor(settings.learning_rate, device=device)
    members: list[torch.optim.Optimizer] = [
        torch.optim.Adam(
            rest,
            lr=rate if cuda else settings.learning_rate,
            betas=settings.betas,
            eps=settings.eps,
            capturable=cuda,
            fused=True,
        )
    ]
    if body:
        members.append(Muon(body, lr=rate.clone() if cuda else settings.learning_rate))
    return Optimizers(members)
