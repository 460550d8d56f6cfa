"""Measuring a network during training, by the metric that the shipped figures use."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from splitsr.data.pack import Pack
from splitsr.errors import DataError
from splitsr.evaluation.metrics import psnr_y
from splitsr.imaging.resize import resize_bicubic

Pixels = NDArray[np.uint8]


class Validator:
    """PSNR-Y over a small set of LR/HR pairs.

    Attributes:
        pairs: uint8 (H, W, 3) LR and (scale * H, scale * W, 3) HR.
    """

    def __init__(self, hr_images: Iterable[Pixels], scale: int) -> None:
        self.scale = scale
        self.pairs = [_pair(hr, scale) for hr in hr_images]
        if not self.pairs:
            raise DataError("no image to validate on")

    def __call__(self, model: nn.Module, device: torch.device) -> float:
        """Mean PSNR-Y in dB of `model`, which is on `device`."""
        scores = [
            psnr_y(_run(model, lr, device), hr, crop_border=self.scale) for lr, hr in self.pairs
        ]
        return float(np.mean(scores))


def held_out(pack: Pack, count: int) -> NDArray[np.int64]:
    """Indices of `count` images, evenly spread over the pack, that are not trained on."""
    return np.unique(np.linspace(0, len(pack) - 1, count + 2)[1:-1].astype(np.int64))


def held_out_crops(pack: Pack, indices: NDArray[np.int64], side: int) -> list[Pixels]:
    """Centre crops of held-out images, at most `side` HR pixels a side."""
    return [_centre(np.asarray(pack[int(i)]), side) for i in indices]


def folder_images(folder: Path) -> list[Pixels]:
    """All images of a folder as uint8 RGB.

    Raises:
        DataError: the folder has no image.
    """
    paths = sorted(path for path in folder.glob("*") if path.suffix.lower() in _SUFFIXES)
    if not paths:
        raise DataError(f"{folder}: no images to validate on")
    return [np.asarray(Image.open(path).convert("RGB")) for path in paths]


_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"}


def _centre(image: Pixels, side: int) -> Pixels:
    top, left = (max(0, (length - side) // 2) for length in image.shape[:2])
    return image[top : top + side, left : left + side].copy()


def _pair(hr: Pixels, scale: int) -> tuple[Pixels, Pixels]:
    height, width = hr.shape[0] // scale, hr.shape[1] // scale
    hr = hr[: height * scale, : width * scale]
    return resize_bicubic(hr, height, width), hr


@torch.inference_mode()
def _run(model: nn.Module, lr: Pixels, device: torch.device) -> Pixels:
    x = torch.from_numpy(lr).to(device).permute(2, 0, 1)[None].float() / 255
    sr = model(x)[0].float().clamp(0, 1).mul(255).add(0.5).floor()
    pixels: Pixels = sr.permute(1, 2, 0).to(torch.uint8).cpu().numpy()
    return pixels
