"""Muon: momentum whose matrices are orthogonalised by a Newton-Schulz iteration.

Sources: Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/ (method, coefficients);
Liu et al. 2025, arXiv 2502.16982 (update scaled to the size of Adam's, so that one learning rate
serves both). Written from these texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import sqrt

import torch
from torch import Tensor, nn

# The quintic that drives singular values to about 1 in five iterations (Jordan et al.).
_A, _B, _C = 3.4445, -4.7750, 2.0315
_ITERATIONS = 5


class Muon(torch.optim.Optimizer):
    """Muon for convolution kernels, each seen as the matrix (out, in * kh * kw).

    Kernels of one shape are orthogonalised together as a batch of matrices, in `dtype`: bfloat16
    is exact enough (Jordan et al.), and where a CPU multiplies it, it takes a third of the time.
    """

    def __init__(
        self,
        params: Iterable[nn.Parameter],
        lr: float | Tensor = 1e-3,
        momentum: float = 0.95,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})
        self._dtype = dtype

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # noqa: ARG002
        """Updates every parameter that has a gradient."""
        for group in self.param_groups:
            for params in _by_shape(group["params"]):
                self._update(params, group["lr"], group["momentum"])

    def _update(self, params: list[nn.Parameter], lr: float | Tensor, momentum: float) -> None:
        buffers = [self._buffer(param) for param in params]
        grads = [param.grad for param in params if param.grad is not None]
        torch._foreach_lerp_(buffers, grads, 1 - momentum)
        nesterov = torch.stack(torch._foreach_lerp(grads, buffers, momentum)).flatten(2)
        direction = orthogonalise(nesterov.to(self._dtype)).to(params[0].dtype)
        updates = direction.view(len(params), *params[0].shape) * (
            0.2 * sqrt(max(nesterov.shape[1:])) * lr
        )
        torch._foreach_sub_(tuple(params), tuple(updates))

    def _buffer(self, param: nn.Parameter) -> Tensor:
        state = self.state[param]
        if not state:
            state["momentum"] = torch.zeros_like(param)
        buffer: Tensor = state["momentum"]
        return buffer


def orthogonalise(matrices: Tensor) -> Tensor:
    """Replaces the singular values of (B, m, n) matrices by values near 1."""
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.transpose(1, 2) if tall else matrices
    x = x / (torch.linalg.matrix_norm(x, keepdim=True) + 1e-7)
    for _ in range(_ITERATIONS):
        gram = x @ x.transpose(1, 2)
        factor = torch.baddbmm(gram, gram, gram, beta=_B, alpha=_C)
        x = torch.baddbmm(x, factor, x, beta=_A)
    result: Tensor = x.transpose(1, 2) if tall else x
    return result


def _by_shape(params: list[nn.Parameter]) -> Iterator[list[nn.Parameter]]:
    shapes: dict[torch.Size, list[nn.Parameter]] = {}
    for param in params:
        if param.grad is not None:
            shapes.setdefault(param.shape, []).append(param)
    yield from shapes.values()
