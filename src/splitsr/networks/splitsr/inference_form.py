"""Exact inference forms: the same function, fewer operations.

A run of SplitSRBlocks rotates the channels without mixing them, so nothing has to be concatenated
before its end: every block replaces its own chunk of channels. One round of C / k blocks touches
each chunk once; it is one grouped convolution with C / k groups. The mean shift goes into the
first and the last convolution. All of it equals the plain network but for float rounding.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from math import gcd

import torch
from torch import Tensor, nn
from torch.nn import functional

from splitsr.networks.blocks import ResidualGroup, SplitSRBlock, SubPixelStage
from splitsr.networks.network import Network
from splitsr.networks.splitsr.module import SplitSR, enlarge


class _Round(nn.Module):
    """Holds SplitSRBlocks with their type, which `nn.ModuleList` forgets."""

    def __init__(self, blocks: Iterable[SplitSRBlock]) -> None:
        super().__init__()
        self.run = tuple(blocks)
        self.blocks = nn.ModuleList(self.run)


class ChunkedRun(_Round):
    """SplitSRBlocks in a row, with one concatenation at the end.

    (N, C, H, W) -> (N, C, H, W). Chunks have gcd(k, C) channels, so any k will do; where k divides
    C an active slice is one chunk, and nothing is concatenated in between.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        size = gcd(self.run[0].active, self.run[0].n_feats)
        chunks = list(torch.split(x, size, dim=1))
        for block in self.run:
            count = block.active // size
            active = chunks[0] if count == 1 else torch.cat(chunks[:count], dim=1)
            chunks = chunks[count:] + list(torch.split(block.transform(active), size, dim=1))
        return torch.cat(chunks, dim=1)


class GroupedRound(_Round):
    """One round of C / k SplitSRBlocks as one grouped convolution.

    (N, C, H, W) -> (N, C, H, W). The blocks keep their parameters, which are joined at every call,
    so that gradients reach them; `fused` joins them for good.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        weight, bias = self._joined()
        out = functional.conv2d(
            x, weight, bias, padding=self.run[0].conv.padding, groups=self._groups
        )
        out = torch.relu(out)
        return out + x if self.run[0].residual else out

    def fused(self) -> FusedRound:
        """The same round with one convolution of its own."""
        weight, bias = self._joined()
        first = self.run[0].conv
        fused = nn.Conv2d(
            len(weight),
            len(weight),
            first.kernel_size[0],
            padding=first.kernel_size[0] // 2,
            groups=self._groups,
        )
        fused.weight = nn.Parameter(weight.detach())
        fused.bias = nn.Parameter(bias.detach())
        return FusedRound(fused, residual=self.run[0].residual)

    @property
    def _groups(self) -> int:
        return len(self.run) * self.run[0].conv.groups

    def _joined(self) -> tuple[Tensor, Tensor]:
        convs = [block.conv for block in self.run]
        return torch.cat([c.weight for c in convs]), torch.cat([_bias(c) for c in convs])


class FusedRound(nn.Module):
    """A grouped convolution, ReLU and, with `residual`, the sum with the input."""

    def __init__(self, conv: nn.Conv2d, residual: bool) -> None:
        super().__init__()
        self.conv = conv
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        out = torch.relu(self.conv(x))
        return out + x if self.residual else out


class MeanPadded(nn.Module):
    """The input convolution with the mean shift folded in.

    Zero padding of the shifted image is padding of the image by its mean, channel by channel;
    the shift itself goes into the bias.
    """

    def __init__(self, head: nn.Conv2d, mean: Tensor) -> None:
        super().__init__()
        self.means = [float(value) for value in mean]
        self.border = int(head.padding[0])
        self.conv = copy.deepcopy(head)
        self.conv.padding = (0, 0)
        with torch.no_grad():
            shift = (self.conv.weight * mean.view(1, 3, 1, 1)).sum(dim=(1, 2, 3))
            _bias(self.conv).sub_(shift)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 1] -> (N, C, H, W)."""
        border = (self.border,) * 4
        planes = [
            functional.pad(plane, border, value=value)
            for plane, value in zip(torch.split(x, 1, dim=1), self.means, strict=True)
        ]
        out: Tensor = self.conv(torch.cat(planes, dim=1))
        return out


class InferenceSplitSR(nn.Module):
    """A trained SplitSR in the form that is exported.

    Input float (N, 3, H, W) in [0, 1], output float (N, 3, scale * H, scale * W), not clamped;
    equal to the plain network but for float rounding.
    """

    def __init__(self, model: SplitSR) -> None:
        super().__init__()
        model = copy.deepcopy(model).eval().requires_grad_(False)
        self.spec = model.spec
        self.head = MeanPadded(model.head, model.mean) if model.mean.any() else model.head
        self.groups = merged(model.groups)
        for group in self.groups:
            assert isinstance(group, ResidualGroup)
            group.blocks = nn.Sequential(*map(_fused, group.blocks))
        self.trunk = model.trunk
        self.upsampler: nn.Module = model.upsampler
        if self.spec.image_skip == "none":
            _add_mean(model.upsampler[-1], model.mean)
        elif self.spec.image_skip == "nearest" and not self.spec.has_output_conv:
            self.upsampler = NearestSkipStage(model.upsampler)

    def forward(self, lr: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 1] -> (N, 3, scale * H, scale * W)."""
        features = self.head(lr)
        features = features + self.trunk(self.groups(features))
        # The shift and its inverse cancel along the image-space skip.
        if isinstance(self.upsampler, NearestSkipStage):
            return self.upsampler.add(features, lr)
        sr: Tensor = self.upsampler(features)
        return sr if self.spec.image_skip == "none" else sr + enlarge(lr, self.spec)


class NearestSkipStage(nn.Module):
    """A single-step upsampler with the nearest-neighbour skip added before the shuffle.

    Before the shuffle the enlarged image is each LR channel r^2 times: a 1x1 convolution with
    weights 0 and 1. Its sum with the features is made at LR size, where an engine fuses it into
    the convolution, instead of an interpolation and a sum at full size.
    """

    def __init__(self, upsampler: nn.Sequential) -> None:
        super().__init__()
        stage = upsampler[-1]
        assert isinstance(stage, SubPixelStage)
        self.stage = stage
        channels = stage.conv.out_channels
        self.copies = nn.Conv2d(3, channels, 1, bias=False)
        ones = torch.eye(3).repeat_interleave(channels // 3, dim=0)
        self.copies.weight = nn.Parameter(ones.view(channels, 3, 1, 1), requires_grad=False)

    def add(self, features: Tensor, lr: Tensor) -> Tensor:
        """(N, C, H, W) and (N, 3, H, W) -> (N, 3, rH, rW)."""
        sr: Tensor = self.stage.shuffle(self.stage.conv(features) + self.copies(lr))
        return sr


def inference_form(model: Network) -> nn.Module:
    """A copy of a trained network in its cheapest exact form, in evaluation mode."""
    if isinstance(model, SplitSR):
        return InferenceSplitSR(model)
    return copy.deepcopy(model).eval().requires_grad_(False)


def training_form(model: Network) -> nn.Module:
    """The same function of the same parameters, with the runs merged: faster to train."""
    if not isinstance(model, SplitSR):
        return model
    form = copy.copy(model)
    form._modules = {**model._modules, "groups": merged(model.groups)}
    return form


def merged(groups: nn.Sequential) -> nn.Sequential:
    """Residual groups with `merge_runs` applied to their blocks; parameters are shared."""
    forms = []
    for group in groups:
        assert isinstance(group, ResidualGroup)
        form = copy.copy(group)
        form._modules = {**group._modules, "blocks": nn.Sequential(*merge_runs(group.blocks))}
        forms.append(form)
    return nn.Sequential(*forms)


def merge_runs(blocks: Iterable[nn.Module]) -> Iterator[nn.Module]:
    """Replaces runs of SplitSRBlocks; the parameters stay the blocks' own.

    Whole rounds become a `GroupedRound` each, where the active channels divide all channels; what
    is left of a run becomes a `ChunkedRun`. Other blocks pass.
    """
    run: list[SplitSRBlock] = []
    for block in blocks:
        if isinstance(block, SplitSRBlock):
            run.append(block)
            if len(run) == block.round_length:
                yield GroupedRound(run)
                run = []
            continue
        if run:
            yield ChunkedRun(run)
            run = []
        yield block
    if run:
        yield ChunkedRun(run)


def _fused(block: nn.Module) -> nn.Module:
    return block.fused() if isinstance(block, GroupedRound) else block


def _bias(conv: nn.Conv2d) -> Tensor:
    assert conv.bias is not None  # every convolution of these networks has one
    return conv.bias


def _add_mean(last: nn.Module, mean: Tensor) -> None:
    """Adds the RGB mean (3,) to the bias of the convolution that makes the image."""
    conv = last.conv if isinstance(last, SubPixelStage) else last
    assert isinstance(conv, nn.Conv2d)
    # Channel c of the image comes from the r^2 channels from c * r^2 on (PixelShuffle).
    _bias(conv).add_(mean.repeat_interleave(conv.out_channels // 3))
