"""SAN: Second-Order Attention Network for Single Image Super-Resolution.

Paper: Dai et al., CVPR 2019, pages 11065-11074. Section 3.2: region-level non-local modules around
20 local-source residual attention groups of 10 residual blocks, with share-source skips; section
3.3: second-order channel attention from the square root of the channels' covariance, by 5
Newton-Schulz iterations (as Li et al. 2018, arXiv 1712.01034). 64 features, reduction 16.

Decided where the paper leaves it open, so that the published counts come out (15.71, 15.90 and
15.86 M for x2, x3 and x4):
- one region-level non-local module is shared by both ends of the body;
- it is the embedded Gaussian of Wang et al. 2018 (arXiv 1711.07971) with `n_feats // 8` channels
  inside, on the four quarters of the image (section 3.2: a grid of regions), the lower and the
  right ones larger by a pixel where a side is odd, as in the authors' code;
- the share-source skip's weight is one scalar for all groups, 0 at first.

Deviations: a trunk convolution stands before the second non-local module, which the authors' code
(github.com/daitao/SAN) makes, and so counts, but never calls; images are in [0, 1], not [0, 255];
PyTorch's default initialisation; the covariance is of the whole feature map, where the authors
crop it to 1000x1000 when that is larger; a small constant keeps the iteration finite where a map is
uniform.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from splitsr.networks import SANSpec
from splitsr.networks.blocks import conv, two_step_upsampler
from splitsr.networks.edsr.module import ResidualBlock
from splitsr.networks.network import Network

_TINY = 1e-7


def covariance(x: Tensor) -> Tensor:
    """Covariance of the channels over all places: (N, C, H, W) -> (N, C, C) float32."""
    flat = x.flatten(2).float()
    centred = flat - flat.mean(dim=2, keepdim=True)
    return centred @ centred.transpose(1, 2) / flat.shape[2]


def matrix_sqrt(matrices: Tensor, iterations: int = 5) -> Tensor:
    """The square root of positive semi-definite matrices by the coupled Newton-Schulz iteration.

    Args:
        matrices: (N, C, C) float32, symmetric. The trace scales them into the region in which the
            iteration converges, and the result back.
        iterations: more of them resolve smaller eigenvalues.

    Returns:
        (N, C, C) float32.
    """
    identity = torch.eye(matrices.shape[-1], device=matrices.device)
    trace = (matrices * identity).sum(dim=(1, 2)).view(-1, 1, 1) + _TINY
    y, z = matrices / trace, identity.expand_as(matrices)
    for _ in range(iterations):
        step = 1.5 * identity - 0.5 * (z @ y)
        y, z = y @ step, step @ z
    return y * trace.sqrt()


class SecondOrderAttention(nn.Module):
    """Scales every channel by a weight from its covariances with all (SOCA, section 3.3)."""

    def __init__(self, n_feats: int, reduction: int, iterations: int) -> None:
        super().__init__()
        self.iterations = iterations
        self.squeeze = conv(n_feats, n_feats // reduction, 1)
        self.excite = conv(n_feats // reduction, n_feats, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        pooled = self._pool(x).to(x.dtype)[:, :, None, None]
        weight: Tensor = self.excite(torch.relu(self.squeeze(pooled)))
        return x * torch.sigmoid(weight)

    def _pool(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C): row means of the covariance's root, always in float32."""
        device = x.device.type
        if device not in ("cpu", "cuda") or not torch.is_autocast_enabled(device):
            return matrix_sqrt(covariance(x), self.iterations).mean(dim=2)
        with torch.autocast(device, enabled=False):
            return matrix_sqrt(covariance(x), self.iterations).mean(dim=2)


class RegionNonLocal(nn.Module):
    """Each pixel of a quarter of the image gets a mean of all, weighted by similarity."""

    def __init__(self, n_feats: int) -> None:
        super().__init__()
        inner = n_feats // 8
        self.theta = conv(n_feats, inner, 1)
        self.phi = conv(n_feats, inner, 1)
        self.value = conv(n_feats, inner, 1)
        self.out = conv(inner, n_feats, 1)
        nn.init.zeros_(self.out.weight)  # the module is the identity at first (Wang et al.)
        nn.init.zeros_(self.out.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        maps = torch.stack([self.theta(x), self.phi(x), self.value(x)])
        row, column = x.shape[2] // 2, x.shape[3] // 2
        rows = [
            torch.cat([_attend(half[..., :column]), _attend(half[..., column:])], dim=3)
            for half in (maps[..., :row, :], maps[..., row:, :])
        ]
        change: Tensor = self.out(torch.cat(rows, dim=2))
        return x + change


def _attend(maps: Tensor) -> Tensor:
    """One region's queries, keys and values, (3, N, C, h, w) -> (N, C, h, w)."""
    queries, keys, values = maps.flatten(3)
    similarity = torch.softmax(queries.transpose(1, 2) @ keys, dim=2)
    mixed: Tensor = values @ similarity.transpose(1, 2)
    return mixed.view(maps.shape[1:])


class AttentionGroup(nn.Module):
    """Residual blocks, second-order attention, a convolution and a skip (LSRAG, section 3.2)."""

    def __init__(self, spec: SANSpec) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            *(ResidualBlock(spec.n_feats, 1.0) for _ in range(spec.n_resblocks))
        )
        self.attention = SecondOrderAttention(spec.n_feats, spec.reduction, spec.iterations)
        self.tail = conv(spec.n_feats, spec.n_feats)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        change: Tensor = self.tail(self.attention(self.blocks(x)))
        return x + change


class SAN(Network):
    """The network of a `SANSpec`; see `Network` for input and output."""

    def __init__(self, spec: SANSpec) -> None:
        super().__init__()
        self.spec = spec
        self.mean: Tensor
        mean = torch.tensor(spec.rgb_mean).view(1, 3, 1, 1)
        self.register_buffer("mean", mean, persistent=False)
        self.head = conv(3, spec.n_feats)
        self.non_local = RegionNonLocal(spec.n_feats)
        self.groups = nn.ModuleList(AttentionGroup(spec) for _ in range(spec.n_resgroups))
        self.share = nn.Parameter(torch.zeros(1))
        self.trunk = conv(spec.n_feats, spec.n_feats)
        self.upsampler = two_step_upsampler(spec.n_feats, spec.scale)

    def forward(self, lr: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 1] -> (N, 3, scale * H, scale * W)."""
        shallow = self.head(lr - self.mean)
        source = features = self.non_local(shallow)
        for group in self.groups:
            features = group(features) + self.share * source
        features = shallow + self.non_local(self.trunk(features))
        sr: Tensor = self.upsampler(features) + self.mean
        return sr
