"""Scores an upscaling method on a folder of images, with bicubic beside it.

The LR images are given, or made from the HR ones by MATLAB's bicubic; HR images are first cropped
to a size that the scale divides. Figures are those of `splitsr.evaluation.metrics`, with `scale`
pixels shaved from each border.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from splitsr.data.pairs import match_lr, read_lr, read_rgb
from splitsr.data.sources import ImageSource, find_images
from splitsr.errors import DataError
from splitsr.evaluation.degrade import Degrade
from splitsr.evaluation.metrics import psnr_y, ssim_y
from splitsr.imaging.files import Photo
from splitsr.imaging.resize import Edge, crop_to_multiple, rescale_bicubic

Upscale = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.uint8]]
"""Maps uint8 RGB (h, w, 3) to uint8 RGB (h * scale, w * scale, 3)."""


class Enlarged(NamedTuple):
    """An SR image, uint8 RGB (H, W, 3), and the strength of restoration that it was made with."""

    color: npt.NDArray[np.uint8]
    restore: float = 0.0


Enlarge = Callable[[Photo], Enlarged]
"""Maps an LR photo, uint8 RGB, to an SR image, with regard to how its file was compressed."""

Progress = Callable[[int, int], None]
"""Called after each image with how many are done and how many there are."""

# What is left of the smallest image after shaving must hold one window of SSIM.
_SSIM_WINDOW = 11


@dataclass(frozen=True)
class ImagePair:
    """An HR image, cropped to a multiple of the scale, and its LR image; both uint8 (H, W, 3)."""

    name: str
    lr: npt.NDArray[np.uint8]
    hr: npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Score:
    """Figures of one image: decibels (infinite for equal luma), and at most 1.

    `restore` is the strength of restoration, 0 to 1.
    """

    name: str
    psnr_y: float
    ssim_y: float
    restore: float = 0.0


@dataclass(frozen=True)
class Scores:
    """Figures of a set of images."""

    images: tuple[Score, ...]

    @property
    def psnr_y(self) -> float:
        """Mean over the images, in decibels."""
        return fmean(score.psnr_y for score in self.images)

    @property
    def ssim_y(self) -> float:
        """Mean over the images."""
        return fmean(score.ssim_y for score in self.images)

    @property
    def restore(self) -> float:
        """Mean over the images."""
        return fmean(score.restore for score in self.images)


@dataclass(frozen=True)
class BenchmarkResult:
    """Figures of a method, and of bicubic on the same images in the same order.

    Attributes:
        scale: how much they enlarge.
        method: the method's.
        bicubic: the baseline's.
        degrade: what the LR images went through; None for nothing.
    """

    scale: int
    method: Scores
    bicubic: Scores
    degrade: str | None = None


def evaluate_folder(
    enlarge: Enlarge,
    scale: int,
    hr_dir: Path,
    lr_dir: Path | None = None,
    *,
    edge: Edge = "mirror",
    round_y: bool = False,
    degrade: str | None = None,
    progress: Progress | None = None,
) -> BenchmarkResult:
    """Scores a method, and bicubic beside it, on a folder; one image is in memory at a time.

    Args:
        enlarge: the method; see `regardless` for one that takes arrays.
        scale: how much it enlarges.
        hr_dir: the HR images.
        lr_dir: the LR images; see `read_pairs`.
        edge: the edge rule for LR images that are made here, and for bicubic.
        round_y: round luma to whole levels first; see `psnr_y`.
        degrade: what the LR images of both go through, such as `noise=5,jpeg=90`; see `Degrade`.
        progress: called after each image.

    Raises:
        DataError: as `read_pairs`.
        ConfigError: as `Degrade`.
    """
    degraded = None if degrade is None else Degrade(degrade)
    methods = (enlarge, regardless(bicubic(scale, edge=edge)))
    found = find_images([hr_dir])
    scores: list[list[Score]] = []
    for pair in read_pairs(found, scale, lr_dir, edge=edge):
        photo = degraded(pair.lr, pair.name) if degraded else Photo(pair.lr)
        scores.append([_score(method(photo), pair, scale, round_y) for method in methods])
        if progress:
            progress(len(scores), len(found))
    method, baseline = (Scores(column) for column in zip(*scores, strict=True))
    return BenchmarkResult(scale, method, baseline, degrade and str(degraded))


def evaluate_images(
    upscale: Upscale, pairs: Iterable[ImagePair], scale: int, *, round_y: bool = False
) -> Scores:
    """Scores a method on pairs that are in memory, for validation while a network trains.

    Args:
        upscale: the method.
        pairs: at least one, as from `load_pairs`.
        scale: how much the method enlarges.
        round_y: round luma to whole levels first; see `psnr_y`.
    """
    return Scores(tuple(_score(Enlarged(upscale(pair.lr)), pair, scale, round_y) for pair in pairs))


def load_pairs(
    hr_dir: Path,
    scale: int,
    lr_dir: Path | None = None,
    *,
    edge: Edge = "mirror",
    degrade: str | None = None,
) -> list[ImagePair]:
    """Loads a test set into memory; arguments and errors are those of `evaluate_folder`."""
    pairs = read_pairs(find_images([hr_dir]), scale, lr_dir, edge=edge)
    if degrade is None:
        return list(pairs)
    degraded = Degrade(degrade)
    return [replace(pair, lr=degraded(pair.lr, pair.name).color) for pair in pairs]


def read_pairs(
    hr_sources: Sequence[ImageSource],
    scale: int,
    lr_dir: Path | None = None,
    *,
    edge: Edge = "mirror",
) -> Iterator[ImagePair]:
    """Reads HR images and reads or makes their LR images. Gray ones get three equal channels.

    Args:
        hr_sources: the HR images.
        scale: HR size by LR size.
        lr_dir: LR images, found as `match_lr` says. None makes the LR images by bicubic.
        edge: the edge rule of the bicubic.

    Yields:
        The pairs, in the order of `hr_sources`.

    Raises:
        DataError: an image is broken or too small, or an LR image is missing, ambiguous or of
            the wrong size.
    """
    names = [source.name for source in hr_sources]
    lr_sources = match_lr(lr_dir, names, scale) if lr_dir else None
    for source in hr_sources:
        hr = crop_to_multiple(read_rgb(source), scale)
        if min(hr.shape[:2]) < 2 * scale + _SSIM_WINDOW:
            raise DataError(f"{source.name}: too small to score at x{scale}")
        if lr_sources is None:
            lr = rescale_bicubic(hr, 1 / scale, edge=edge)
        else:
            lr = read_lr(lr_sources[source.name], source.name, hr.shape[:2], scale)
        yield ImagePair(source.name, lr, hr)


def bicubic(scale: int, *, edge: Edge = "mirror") -> Upscale:
    """The baseline: MATLAB's bicubic, rounded to uint8."""
    return lambda lr: rescale_bicubic(lr, scale, edge=edge)


def regardless(upscale: Upscale) -> Enlarge:
    """A method that makes the same of an image whatever its file was."""
    return lambda photo: Enlarged(upscale(photo.color))


def _score(sr: Enlarged, pair: ImagePair, scale: int, round_y: bool) -> Score:
    psnr = psnr_y(sr.color, pair.hr, crop_border=scale, round_y=round_y)
    ssim = ssim_y(sr.color, pair.hr, crop_border=scale, round_y=round_y)
    return Score(pair.name, psnr, ssim, sr.restore)
