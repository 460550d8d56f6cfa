"""Losses between an output and its HR patch, both float (N, 3, H, W) in [0, 1]."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from splitsr.imaging.color import Y_WEIGHTS
from splitsr.training.config import Stage

CHARBONNIER_EPS = 1e-3


def image_loss(sr: Tensor, hr: Tensor, stage: Stage) -> Tensor:
    """The loss of a stage, a scalar.

    `l1` and `l2` are means over all values; `charbonnier` is the mean of
    sqrt(d^2 + eps^2) - eps with eps = 1e-3 (Lai et al. 2017, arXiv 1710.01992). `luma_weight` adds
    the same of the luma, which is what figures are measured on and eyes see detail by.
    """
    loss = _pixel_loss(sr, hr, stage.loss)
    if stage.luma_weight:
        loss = loss + stage.luma_weight * _pixel_loss(luma(sr), luma(hr), stage.loss)
    if stage.fft_weight:
        loss = loss + stage.fft_weight * spectral_loss(sr, hr)
    return loss


def _pixel_loss(sr: Tensor, hr: Tensor, kind: str) -> Tensor:
    if kind == "l1":
        return functional.l1_loss(sr, hr)
    if kind == "l2":
        return functional.mse_loss(sr, hr)
    return (torch.sqrt((sr - hr) ** 2 + CHARBONNIER_EPS**2) - CHARBONNIER_EPS).mean()


def luma(rgb: Tensor) -> Tensor:
    """(N, 3, H, W) in [0, 1] -> (N, H, W): BT.601's luma as figures take it, without its offset."""
    # Numbers, not a tensor: a CUDA graph captures no copy from the host.
    red, green, blue = (float(weight) for weight in Y_WEIGHTS)
    return red * rgb[:, 0] + green * rgb[:, 1] + blue * rgb[:, 2]


def spectral_loss(sr: Tensor, hr: Tensor) -> Tensor:
    """Mean L1 distance of the real and imaginary parts of the orthonormal 2-D spectra.

    Cho et al. 2021 (arXiv 2108.05054) use it for deblurring, SAFMN and SMFANet for SR.
    """
    difference = torch.fft.rfft2(sr.float() - hr.float(), norm="ortho")
    return torch.view_as_real(difference).abs().mean()
