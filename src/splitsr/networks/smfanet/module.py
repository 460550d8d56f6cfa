"""SMFANet: a lightweight self-modulation feature aggregation network.

Paper: Zheng, Sun, Dong and Pan, ECCV 2024, section 3: blocks of self-modulation feature aggregation
(SMFA) and a partial-convolution feed-forward network (PCFN), each on normalised features and with a
skip. The defaults are SMFANet+: 48 features, 12 blocks. Parameters have the names of the published
files, which `published.py`, beside this file, reads.

Taken from the published weights, where the paper is silent: every pixel is divided by the L2 norm
over its channels; no image-space skip and no mean shift; the variance has n - 1 below.

Deviation: features of fewer than 8 rows or columns are pooled to one, where the published network
fails.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from splitsr.networks import SMFANetSpec
from splitsr.networks.blocks import conv
from splitsr.networks.network import Network

POOLING = 8
_LONGEST_BIN = 2 * POOLING - 1  # of 15 pixels pooled to one
_TINY = 1e-12


class SMFANet(Network):
    """The network of an `SMFANetSpec`; see `Network` for input and output."""

    def __init__(self, spec: SMFANetSpec) -> None:
        super().__init__()
        self.spec = spec
        self.to_feat = conv(3, spec.n_feats)
        self.feats = nn.Sequential(*(Block(spec.n_feats) for _ in range(spec.n_blocks)))
        self.to_img = nn.Sequential(
            conv(spec.n_feats, 3 * spec.scale**2), nn.PixelShuffle(spec.scale)
        )

    def forward(self, lr: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 1] -> (N, 3, scale * H, scale * W)."""
        features = self.to_feat(lr)
        sr: Tensor = self.to_img(self.feats(features) + features)
        return sr


class Block(nn.Module):
    """Feature mixing: SMFA, then PCFN, each on normalised features and with a skip."""

    def __init__(self, n_feats: int) -> None:
        super().__init__()
        self.smfa = SMFA(n_feats)
        self.pcfn = PCFN(n_feats)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same."""
        x = x + self.smfa(_normalise(x))
        x = x + self.pcfn(_normalise(x))
        return x


class SMFA(nn.Module):
    """Self-modulation feature aggregation: a pooled, non-local path and a local one."""

    def __init__(self, n_feats: int) -> None:
        super().__init__()
        self.linear_0 = conv(n_feats, 2 * n_feats, 1)
        self.linear_1 = conv(n_feats, n_feats, 1)
        self.linear_2 = conv(n_feats, n_feats, 1)
        self.dw_conv = nn.Conv2d(n_feats, n_feats, 3, padding=1, groups=n_feats)
        self.lde = LocalDetails(n_feats)
        self.alpha = nn.Parameter(torch.ones(1, n_feats, 1, 1))
        self.belt = nn.Parameter(torch.zeros(1, n_feats, 1, 1))

    def forward(self, features: Tensor) -> Tensor:
        """(N, C, H, W) -> the same."""
        y, x = self.linear_0(features).chunk(2, dim=1)
        pooled = self.dw_conv(_pool(_pool(x, 2), 3))
        gate = functional.gelu(self.linear_1(pooled * self.alpha + _variance(x) * self.belt))
        sr: Tensor = self.linear_2(
            x * functional.interpolate(gate, size=x.shape[2:], mode="nearest") + self.lde(y)
        )
        return sr


class LocalDetails(nn.Module):
    """The local path: depthwise and 1x1 convolutions of twice the channels, back by another."""

    def __init__(self, n_feats: int) -> None:
        super().__init__()
        wide = 2 * n_feats
        depthwise = nn.Conv2d(n_feats, wide, 3, padding=1, groups=n_feats)
        self.conv_0 = nn.Sequential(depthwise, conv(wide, wide, 1))
        self.conv_1 = conv(wide, n_feats, 1)

    def forward(self, y: Tensor) -> Tensor:
        """(N, C, H, W) -> the same."""
        details: Tensor = self.conv_1(functional.gelu(self.conv_0(y)))
        return details


class PCFN(nn.Module):
    """The feed-forward network, in which a quarter of the channels see their neighbours."""

    def __init__(self, n_feats: int) -> None:
        super().__init__()
        self.partial = n_feats // 2
        self.conv_0 = conv(n_feats, 2 * n_feats, 1)
        self.conv_1 = conv(self.partial, self.partial)
        self.conv_2 = conv(2 * n_feats, n_feats, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same."""
        wide = functional.gelu(self.conv_0(x))
        seeing, rest = wide[:, : self.partial], wide[:, self.partial :]
        mixed: Tensor = self.conv_2(torch.cat([functional.gelu(self.conv_1(seeing)), rest], dim=1))
        return mixed


def _normalise(x: Tensor) -> Tensor:
    return functional.normalize(x, dim=1, eps=_TINY)


def _at_least_one(count: int) -> int:
    """`max`, also of sizes that an export leaves open."""
    return torch.sym_max(count, 1)  # type: ignore[no-untyped-call, no-any-return]


def _variance(x: Tensor) -> Tensor:
    """Of every channel over the image, (N, C, 1, 1); zero for a single pixel."""
    squares = (x - x.mean(dim=(2, 3), keepdim=True)).square().sum(dim=(2, 3), keepdim=True)
    return squares / _at_least_one(x.shape[2] * x.shape[3] - 1)


def _pool(x: Tensor, dim: int) -> Tensor:
    """Adaptive max pooling to an eighth of an axis, at least 1, in operators that ONNX has.

    Bin i of n is from floor(i * size / n) to ceil((i + 1) * size / n); what is short of the longest
    bin repeats its last pixel.
    """
    size = x.shape[dim]
    bins = _at_least_one(size // POOLING)
    i = torch.arange(bins, device=x.device)
    start, stop = i * size // bins, ((i + 1) * size + bins - 1) // bins
    taps = torch.arange(_LONGEST_BIN, device=x.device)
    index = torch.minimum(start[:, None] + taps, stop[:, None] - 1)
    spread = x.index_select(dim, index.flatten())
    return spread.view(*x.shape[:dim], -1, _LONGEST_BIN, *x.shape[dim + 1 :]).amax(dim + 1)
