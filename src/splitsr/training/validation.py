"""Measuring a network during training, by the metric that the shipped figures use."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from splitsr.data.pack import Pack
from splitsr.evaluation.metrics import psnr_y
from splitsr.evaluation.score import ImagePair, load_pairs
from splitsr.imaging.resize import crop_to_multiple, rescale_bicubic

Pixels = NDArray[np.uint8]

_SHOWN, _SHOWN_SIDE = 4, 192  # images in a picture, and how large at most


class Validator:
    """PSNR-Y over a small set of LR/HR pairs that are kept in memory."""

    def __init__(self, pairs: Sequence[ImagePair], scale: int) -> None:
        self.pairs, self.scale = pairs, scale

    @classmethod
    def of_folder(cls, hr_dir: Path, scale: int) -> Validator:
        """Validates on a folder of HR images; errors are those of `load_pairs`."""
        return cls(load_pairs(hr_dir, scale), scale)

    @classmethod
    def of_held_out(
        cls, pack: Pack, indices: NDArray[np.int64], scale: int, side: int
    ) -> Validator:
        """Validates on centre crops, at most `side` HR pixels a side, of images of the pack."""
        crops = (_centre(np.asarray(pack[int(index)]), side) for index in indices)
        return cls([_pair(crop, scale) for crop in crops], scale)

    def __call__(self, model: nn.Module, device: torch.device) -> float:
        """Mean PSNR-Y in dB of `model`, which is on `device`."""
        return fmean(
            psnr_y(_upscale(model, pair.lr, device), pair.hr, crop_border=self.scale)
            for pair in self.pairs
        )

    def picture(self, model: nn.Module, device: torch.device) -> Pixels:
        """The first images: bicubic, `model`'s and HR side by side, uint8 (H, W, 3)."""
        rows = []
        for pair in self.pairs[:_SHOWN]:
            bicubic = rescale_bicubic(pair.lr, self.scale)
            sides = (bicubic, _upscale(model, pair.lr, device), pair.hr)
            rows.append(np.concatenate([_centre(side, _SHOWN_SIDE) for side in sides], axis=1))
        width = max(row.shape[1] for row in rows)
        padded = [np.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0))) for row in rows]
        return np.concatenate(padded)


def held_out(pack: Pack, count: int) -> NDArray[np.int64]:
    """Indices of at most `count` images, evenly spread over the pack, that are not trained on."""
    return np.unique(np.linspace(0, len(pack) - 1, count + 2)[1:-1].astype(np.int64))


def _centre(image: Pixels, side: int) -> Pixels:
    top, left = (max(0, (length - side) // 2) for length in image.shape[:2])
    return image[top : top + side, left : left + side]


def _pair(image: Pixels, scale: int) -> ImagePair:
    hr = crop_to_multiple(image, scale).copy()
    return ImagePair("held out", rescale_bicubic(hr, 1 / scale), hr)


@torch.inference_mode()
def _upscale(model: nn.Module, lr: Pixels, device: torch.device) -> Pixels:
    x = torch.from_numpy(lr.copy()).to(device).permute(2, 0, 1)[None].float() / 255
    sr = model(x)[0].float().clamp(0, 1).mul(255).add(0.5).floor()
    pixels: Pixels = sr.permute(1, 2, 0).to(torch.uint8).cpu().numpy()
    return pixels
