"""The optimizers of a run, seen as one."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from splitsr.training.config import Optimizer
from splitsr.training.muon import Muon


class Optimizers:
    """One or two optimizers as one.

    Attributes:
        members: the optimizers; together they hold every parameter once.
        muon: names of the kernels that Muon holds.
    """

    def __init__(self, members: list[torch.optim.Optimizer], muon: tuple[str, ...] = ()) -> None:
        self.members, self.muon = members, muon

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
        """Restores what `state_dict` gave, but for the settings: they are this run's own.

        A learning rate that was read from a file would be another tensor, on another device, than
        the one that a CUDA graph reads.

        Raises:
            ValueError: the states are of other parameters.
        """
        for member, state in zip(self.members, states, strict=True):
            own = [dict(group) for group in member.param_groups]
            for group, saved in zip(own, state["param_groups"], strict=True):
                if len(group["params"]) != len(saved["params"]):
                    raise ValueError("an optimizer of other parameters")
            member.load_state_dict({**member.state_dict(), "state": state["state"]})
            for group, settings in zip(member.param_groups, own, strict=True):
                group.update(settings)


def build_optimizers(
    model: nn.Module,
    settings: Optimizer,
    device: torch.device,
    dtype: torch.dtype = torch.float32,
) -> Optimizers:
    """The optimizers of a configuration, over the parameters of `model`, which is on `device`.

    With `muon`, `body_kernels` go to Muon, which computes in `dtype`, the rest to Adam.
    """
    kernels = body_kernels(model) if settings.kind == "muon" else {}
    rest = [parameter for name, parameter in model.named_parameters() if name not in kernels]
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
    if kernels:
        lr = rate.clone() if cuda else settings.learning_rate
        members.append(Muon(kernels.values(), lr=lr, dtype=dtype))
    return Optimizers(members, tuple(kernels))


def body_kernels(model: nn.Module) -> dict[str, nn.Parameter]:
    """The kernels between features and features, by name.

    They are those of the convolutions that run after the first, which reads the image, and before
    the one that makes pixels: the last, or the one in front of the sub-pixel shuffle. Depthwise
    kernels, which are no matrices between channels, are left out.
    """
    order = _running_order(model)
    first = next(i for i, layer in enumerate(order) if isinstance(layer, nn.Conv2d))
    shuffles = (i for i in range(first, len(order)) if isinstance(order[i], nn.PixelShuffle))
    inner = set(order[first + 1 : next(shuffles, len(order)) - 1])
    # A kernel that is trained as a sum of branches is several parameters of its convolution.
    held = {id(parameter) for layer in inner for parameter in layer.parameters()}
    return {
        name: parameter
        for name, parameter in model.named_parameters()
        if id(parameter) in held and parameter.ndim == 4 and parameter.shape[1] > 1
    }


@torch.no_grad()
def _running_order(model: nn.Module) -> list[nn.Module]:
    """The convolutions and sub-pixel shuffles of a network, as a small image meets them."""
    order: list[nn.Module] = []
    hooks = [
        layer.register_forward_hook(lambda layer, *_: order.append(layer))
        for layer in model.modules()
        if isinstance(layer, nn.Conv2d | nn.PixelShuffle)
    ]
    model(torch.zeros(1, 3, 16, 16, device=next(model.parameters()).device))
    for hook in hooks:
        hook.remove()
    return order
