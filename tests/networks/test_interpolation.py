"""Bilinear and bicubic networks against other implementations of them."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch
from torch.nn import functional

from splitsr.imaging.resize import resize_bicubic
from splitsr.networks import InterpolationSpec
from splitsr.networks.build import build_model
from splitsr.networks.interpolation.description import Kernel
from splitsr.runtime.interpolation import InterpolationEngine


def nchw(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None]


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_bicubic_is_matlabs(photo: np.ndarray, scale: int) -> None:
    lr = (photo[100:130, 200:241] / 255).astype(np.float32)
    expected = resize_bicubic(lr, 30 * scale, 41 * scale)
    found = build_model(InterpolationSpec(scale=scale))(nchw(lr))
    torch.testing.assert_close(found, nchw(expected), atol=2e-6, rtol=0)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_bilinear_is_torchs(photo: np.ndarray, scale: int) -> None:
    lr = nchw((photo[100:130, 200:241] / 255).astype(np.float32))
    expected = functional.interpolate(lr, scale_factor=scale, mode="bilinear", align_corners=False)
    found = build_model(InterpolationSpec(kernel="bilinear", scale=scale))(lr)
    torch.testing.assert_close(found, expected, atol=2e-6, rtol=0)


@pytest.mark.parametrize("size", [(1, 1), (1, 2), (2, 3), (9, 1)])
@pytest.mark.parametrize("kernel", get_args(Kernel))
def test_it_is_the_runtimes_at_any_size(
    photo: np.ndarray, kernel: Kernel, size: tuple[int, int]
) -> None:
    lr = nchw((photo[100 : 100 + size[0], 200 : 200 + size[1]] / 255).astype(np.float32))
    found = build_model(InterpolationSpec(kernel=kernel, scale=3))(lr)
    expected = InterpolationEngine(kernel, 3).run(lr.numpy())
    np.testing.assert_allclose(found.numpy(), expected, atol=2e-6)
