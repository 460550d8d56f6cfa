"""Aligned LR/HR training patches from a pack, the same for the same seed and step.

`plan_patches` decides, in NumPy, which patches a step sees. `PairedPixels.cut` then gathers them
from two flat pixel arrays, on whatever device these lie: flips and rotations are index arithmetic,
so the same code serves the memory map on a CPU and a pack that is resident on a GPU.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from splitsr.data.pack import PIXELS_FILE, Pack, sha256_of
from splitsr.data.targets import find_targets
from splitsr.errors import DataError
from splitsr.imaging.atomic import open_atomic, write_atomic
from splitsr.imaging.resize import resize_bicubic

Sampling = Literal["image", "area"]
TRANSPOSE, FLIP_ROWS, FLIP_COLUMNS = 1, 2, 4


@dataclass(frozen=True)
class PatchPlan:
    """Which patches a step sees; every field is int64 of shape (batch,).

    Attributes:
        image: index of the image in the pack.
        top: first row, in LR pixels.
        left: first column, in LR pixels.
        symmetry: one of the 8 symmetries of the square, as a sum of TRANSPOSE, FLIP_ROWS and
            FLIP_COLUMNS.
    """

    image: NDArray[np.int64]
    top: NDArray[np.int64]
    left: NDArray[np.int64]
    symmetry: NDArray[np.int64]


def plan_patches(
    sizes: NDArray[np.int64],
    *,
    seed: int,
    step: int,
    batch_size: int,
    patch_size: int,
    sampling: Sampling = "image",
    augment: bool = True,
) -> PatchPlan:
    """Draws the patches of one step.

    Args:
        sizes: (N, 2) LR heights and widths.
        seed: of the run.
        step: the draw depends on seed and step alone, so a resumed run sees the same patches.
        batch_size: patches to draw.
        patch_size: side in LR pixels.
        sampling: every image equally likely, or in proportion to its area.
        augment: random flips and quarter turns.

    Raises:
        DataError: no image is as large as a patch.
    """
    usable = np.flatnonzero((sizes >= patch_size).all(axis=1))
    if usable.size == 0:
        raise DataError(f"no image that is trained on holds a {patch_size}x{patch_size} LR patch")
    rng = np.random.Generator(np.random.Philox(key=[seed, step]))
    weights = sizes[usable].prod(axis=1).astype(np.float64) if sampling == "area" else None
    share = None if weights is None else weights / weights.sum()
    image = rng.choice(usable, batch_size, p=share)
    room = sizes[image] - patch_size + 1
    corner = rng.integers(0, room)
    symmetry = rng.integers(0, 8, batch_size) if augment else np.zeros(batch_size, np.int64)
    return PatchPlan(image, corner[:, 0], corner[:, 1], symmetry)


@dataclass(frozen=True)
class FlatImages:
    """Images one after another as a (pixels, 3) uint8 tensor.

    Attributes:
        pixels: uint8 (total pixels, 3).
        starts: int64 (N,), the first pixel of each image.
        strides: int64 (N,), the width of each image's rows in `pixels`.
    """

    pixels: Tensor
    starts: Tensor
    strides: Tensor

    def to(self, device: torch.device) -> FlatImages:
        """A copy on `device` (itself when it is there)."""
        return FlatImages(self.pixels.to(device), self.starts.to(device), self.strides.to(device))

    def gather(self, plan: Tensor, unit: int, size: int) -> Tensor:
        """Cuts square patches.

        Args:
            plan: int64 (4, B): image, top, left (in units) and symmetry.
            unit: pixels a unit of top and left, 1 for LR, `scale` for HR.
            size: side in pixels.

        Returns:
            float32 (B, 3, size, size) in [0, 1].
        """
        image, top, left, symmetry = plan.view(4, -1, 1, 1)
        line = torch.arange(size, device=plan.device)
        rows, columns = line.view(1, -1, 1), line.view(1, 1, -1)
        turned = (symmetry & TRANSPOSE) > 0
        rows, columns = torch.where(turned, columns, rows), torch.where(turned, rows, columns)
        rows = torch.where((symmetry & FLIP_ROWS) > 0, size - 1 - rows, rows)
        columns = torch.where((symmetry & FLIP_COLUMNS) > 0, size - 1 - columns, columns)
        index = (top * unit + rows) * self.strides[image] + left * unit + columns
        index = index + self.starts[image]
        patches = self.pixels.index_select(0, index.flatten()).view(*index.shape, 3)
        return patches.permute(0, 3, 1, 2).float() / 255


class Patches(NamedTuple):
    """A step's patches, float32 in [0, 1].

    Attributes:
        lr: (B, 3, p, p).
        hr: (B, 3, scale * p, scale * p).
        target: the teacher's, shaped as `hr`; None without one.
    """

    lr: Tensor
    hr: Tensor
    target: Tensor | None = None


class PairedPixels:
    """The HR images of a pack and their bicubic LR, ready to be cut.

    Attributes:
        scale: HR pixels an LR pixel.
        lr_sizes: int64 (N, 2), LR heights and widths.
        targets: what a teacher makes of the LR images, if that was asked for.
    """

    def __init__(
        self,
        hr: FlatImages,
        lr: FlatImages,
        lr_sizes: NDArray[np.int64],
        scale: int,
        targets: FlatImages | None = None,
    ) -> None:
        self.hr, self.lr, self.lr_sizes, self.scale = hr, lr, lr_sizes, scale
        self.targets = targets

    @classmethod
    def open(
        cls,
        pack: Pack,
        scale: int,
        *,
        targets: str | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> PairedPixels:
        """Maps the pack, and makes its LR at `scale` once, beside the pack's own files.

        Args:
            pack: the HR images.
            scale: 2, 3 or 4.
            targets: name of the pack's teacher targets to map too (`splitsr data teach`).
            progress: called with (images done, images) while the LR is made.

        Raises:
            ImageWriteError: the LR cannot be written.
            DataError: the targets are missing, damaged or of another pack.
        """
        lr_sizes = pack.sizes // scale
        lr_path = _lr_pixels(pack, scale, lr_sizes, progress)
        hr = _map_images(pack.folder / PIXELS_FILE, pack.sizes)
        lr = _map_images(lr_path, lr_sizes)
        taught = targets and _map_images(find_targets(pack, targets, scale), lr_sizes * scale)
        return cls(hr, lr, lr_sizes, scale, taught or None)

    def to(self, device: torch.device) -> PairedPixels:
        """The same pixels resident on `device`."""
        targets = None if self.targets is None else self.targets.to(device)
        return PairedPixels(
            self.hr.to(device), self.lr.to(device), self.lr_sizes, self.scale, targets
        )

    def cut(self, plan: Tensor, patch_size: int) -> Patches:
        """Cuts the patches of a plan.

        Args:
            plan: int64 (4, B) as `stack_plan` makes it, on the pixels' device.
            patch_size: side in LR pixels.
        """
        size = patch_size * self.scale
        return Patches(
            self.lr.gather(plan, 1, patch_size),
            self.hr.gather(plan, self.scale, size),
            None if self.targets is None else self.targets.gather(plan, self.scale, size),
        )


def stack_plan(plan: PatchPlan) -> Tensor:
    """The plan as one int64 tensor (4, B): image, top, left, symmetry."""
    return torch.from_numpy(np.stack([plan.image, plan.top, plan.left, plan.symmetry]))


def lr_images(
    pack: Pack, scale: int, progress: Callable[[int, int], None] | None = None
) -> Callable[[int], NDArray[np.uint8]]:
    """Makes a pack's LR images if need be, and gives the one of an index, uint8 (h, w, 3)."""
    sizes = pack.sizes // scale
    flat = _map_images(_lr_pixels(pack, scale, sizes, progress), sizes)
    ends = np.cumsum(sizes.prod(axis=1))

    def image(i: int) -> NDArray[np.uint8]:
        pixels: NDArray[np.uint8] = flat.pixels[int(flat.starts[i]) : int(ends[i])].numpy()
        return pixels.reshape(*sizes[i], 3)

    return image


def _map_images(path: Path, sizes: NDArray[np.int64]) -> FlatImages:
    areas = sizes.prod(axis=1)
    # mode "c" (copy on write): torch wants writable memory, and the file stays untouched.
    pixels = np.memmap(path, np.uint8, mode="c").reshape(-1, 3)
    if len(pixels) != areas.sum():
        raise DataError(f"{path}: {len(pixels)} pixels; the index tells of {areas.sum()}")
    starts = np.concatenate([[0], np.cumsum(areas)[:-1]])
    return FlatImages(
        torch.from_numpy(pixels), torch.from_numpy(starts), torch.from_numpy(sizes[:, 1].copy())
    )


def _lr_pixels(
    pack: Pack,
    scale: int,
    lr_sizes: NDArray[np.int64],
    progress: Callable[[int, int], None] | None,
) -> Path:
    """The file of LR pixels, made when it is missing or damaged; images follow one another."""
    path = pack.folder / f"lr_x{scale}.bin"
    sums = path.with_suffix(".sha256")
    with suppress(OSError):  # what cannot be read is made again
        if sums.read_bytes() == _checksums(path, pack):
            return path
    with open_atomic(path, overwrite=True) as file:
        for i, (height, width) in enumerate(lr_sizes.tolist()):
            hr = pack[i][: height * scale, : width * scale]
            file.write(resize_bicubic(np.asarray(hr), height, width).tobytes())
            if progress is not None:
                progress(i + 1, len(pack))
    write_atomic(sums, _checksums(path, pack), overwrite=True)
    return path


def _checksums(path: Path, pack: Pack) -> bytes:
    """Of the LR pixels and the HR pixels that they were made of, in `sha256sum`'s form."""
    return f"{sha256_of(path)}  {path.name}\n{pack.index.sha256}  {PIXELS_FILE}\n".encode()
