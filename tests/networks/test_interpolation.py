"""Bilinear and bicubic networks against other implementations of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from splitsr.imaging.resize import resize_bicubic
from splitsr.networks import InterpolationSpec
from splitsr.networks.build import build_model


def nchw(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None]


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_bicubic_is_matlabs(photo: np.ndarray, scale: int) -> None:
    lr = (photo[100:130, 200:241] / 255).astype(np.float32)
    expected = resize_bicubic(lr, 30 * scale, 41 * scale, edge="clamp")
    found = build_model(InterpolationSpec(scale=scale))(nchw(lr))
    torch.testing.assert_close(found, nchw(expected), atol=2e-6, rtol=0)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_bilinear_is_torchs(photo: np.ndarray, scale: int) -> None:
    lr = nchw((photo[100:130, 200:241] / 255).astype(np.float32))
    expected = functional.interpolate(lr, scale_factor=scale, mode="bilinear", align_corners=False)
    found = build_model(InterpolationSpec(kernel="bilinear", scale=scale))(lr)
    torch.testing.assert_close(found, expected, atol=2e-6, rtol=0)
