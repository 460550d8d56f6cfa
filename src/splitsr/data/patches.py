"""Aligned LR/HR training patches from a pack, the same for the same seed and step.

`plan_patches` decides, in NumPy, which patches a step sees. `PairedPixels.cut` then gathers them
from two flat pixel arrays, on whatever device these lie: flips and rotations are index arithmetic,
so the same code serves the memory map on a CPU and a pack that is resident on a GPU.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from splitsr.data.degradations import Degradation, degrade_image
from splitsr.data.pack import PIXELS_FILE, Pack, sha256_of
from splitsr.data.targets import find_targets
from splitsr.errors import DataError
from splitsr.imaging.atomic import open_atomic, write_atomic
from splitsr.imaging.resize import resize_bicubic

Sampling = Literal["image", "area"]
TRANSPOSE, FLIP_ROWS, FLIP_COLUMNS = 1, 2, 4
_GIVEN = b"# given, and not made of the HR pixels\n"


@dataclass(frozen=True)
class PatchPlan:
    """Which patches a step sees; every field is int64 of shape (batch,).

    Attributes:
        image: index of the image in the pack.
        top: first row, in LR pixels.
        left: first column, in LR pixels.
        symmetry: one of the 8 symmetries of the square, as a sum of TRANSPOSE, FLIP_ROWS and
            FLIP_COLUMNS.
        variant: of the degraded LR image, the least degraded first; -1 for the clean one.
    """

    image: NDArray[np.int64]
    top: NDArray[np.int64]
    left: NDArray[np.int64]
    symmetry: NDArray[np.int64]
    variant: NDArray[np.int64]


def plan_patches(
    sizes: NDArray[np.int64],
    *,
    seed: int,
    step: int,
    batch_size: int,
    patch_size: int,
    sampling: Sampling = "image",
    augment: bool = True,
    degradation: Degradation | None = None,
    severity: float | None = None,
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
        degradation: of the LR patches.
        severity: of 0 to 1, how degraded they are among their images' variants; by default some
            are clean, and the others of any variant.

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
    variant = np.full(batch_size, -1)
    if degradation is not None and severity is not None:
        variant = np.full(
            batch_size, min(int(severity * degradation.variants), degradation.variants - 1)
        )
    elif degradation is not None:
        clean = rng.random(batch_size) < degradation.clean
        variant = np.where(clean, -1, rng.integers(0, degradation.variants, batch_size))
    return PatchPlan(image, corner[:, 0], corner[:, 1], symmetry, variant)


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
            plan: int64 (5, B) as `stack_plan` makes it; the variant is not looked at.
            unit: pixels a unit of top and left, 1 for LR, `scale` for HR.
            size: side in pixels.

        Returns:
            float32 (B, 3, size, size) in [0, 1].
        """
        image, top, left, symmetry, _ = plan.view(5, -1, 1, 1)
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

    def image(self, index: int) -> NDArray[np.uint8]:
        """A view of an image, uint8 (H, W, 3); the pixels must be on the CPU."""
        following = self.starts[index + 1 : index + 2].tolist()
        end = following[0] if following else len(self.pixels)
        values: NDArray[np.uint8] = self.pixels[int(self.starts[index]) : end].numpy()
        return values.reshape(-1, int(self.strides[index]), 3)


class Patches(NamedTuple):
    """A step's patches, float32 in [0, 1].

    Attributes:
        lr: (B, 3, p, p).
        hr: (B, 3, scale * p, scale * p).
        target: the teacher's, shaped as `hr`; None without one.
        clean: what `lr` was before it was degraded, for a teacher; None where nothing was.
    """

    lr: Tensor
    hr: Tensor
    target: Tensor | None = None
    clean: Tensor | None = None


class PairedPixels:
    """The HR images of a pack and their bicubic LR, ready to be cut.

    Attributes:
        scale: HR pixels per LR pixel, along each axis.
        lr_sizes: int64 (N, 2), LR heights and widths.
        targets: what a teacher makes of the LR images, if that was asked for.
        degraded: LR images, every image's variants together, by what they went through.
    """

    def __init__(
        self,
        hr: FlatImages,
        lr: FlatImages,
        lr_sizes: NDArray[np.int64],
        scale: int,
        targets: FlatImages | None = None,
        degraded: Mapping[Degradation, FlatImages] | None = None,
    ) -> None:
        self.hr, self.lr, self.lr_sizes, self.scale = hr, lr, lr_sizes, scale
        self.targets, self.degraded = targets, degraded or {}

    @classmethod
    def open(
        cls,
        pack: Pack,
        scale: int,
        *,
        targets: str | None = None,
        degradations: Collection[Degradation] = (),
        progress: Callable[[int, int], None] | None = None,
    ) -> PairedPixels:
        """Maps the pack, and makes its LR at `scale` once, beside the pack's own files.

        So are its degraded LR images: a codec's overhead on a patch would cost a fifth of a step,
        and on a GPU more than the step.

        Args:
            pack: the HR images.
            scale: 2, 3 or 4.
            targets: name of the pack's teacher targets to map too (`splitsr data teach`).
            degradations: of which to make and map the degraded LR images too.
            progress: called with (images done, images) while LR images are made.

        Raises:
            ImageWriteError: the LR cannot be written.
            DataError: the targets are missing, damaged or of another pack.
        """
        lr_sizes = pack.sizes // scale
        lr_path = _lr_pixels(pack, scale, lr_sizes, progress)
        hr = _map_images(pack.folder / PIXELS_FILE, pack.sizes)
        lr = _map_images(lr_path, lr_sizes)
        taught = targets and _map_images(find_targets(pack, targets, scale), lr_sizes * scale)
        degraded = {
            degradation: _map_images(
                _degraded_pixels(pack, lr, scale, degradation, progress),
                np.repeat(lr_sizes, degradation.variants, axis=0),
            )
            for degradation in degradations
        }
        return cls(hr, lr, lr_sizes, scale, taught or None, degraded)

    def to(self, device: torch.device) -> PairedPixels:
        """The same pixels resident on `device`."""
        targets = None if self.targets is None else self.targets.to(device)
        degraded = {key: images.to(device) for key, images in self.degraded.items()}
        hr, lr = self.hr.to(device), self.lr.to(device)
        return PairedPixels(hr, lr, self.lr_sizes, self.scale, targets, degraded)

    def cut(self, plan: Tensor, patch_size: int, degradation: Degradation | None = None) -> Patches:
        """Cuts the patches of a plan.

        Args:
            plan: int64 (5, B) as `stack_plan` makes it, on the pixels' device.
            patch_size: side in LR pixels.
            degradation: that the plan was drawn with.
        """
        size = patch_size * self.scale
        clean = self.lr.gather(plan, 1, patch_size)
        patches = Patches(
            clean,
            self.hr.gather(plan, self.scale, size),
            None if self.targets is None else self.targets.gather(plan, self.scale, size),
        )
        if degradation is None:
            return patches
        variant = plan[4]
        image = plan[0] * degradation.variants + variant.clamp(min=0)
        shifted = torch.cat([image[None], plan[1:]])
        degraded = self.degraded[degradation].gather(shifted, 1, patch_size)
        lr = torch.where((variant < 0).view(-1, 1, 1, 1), clean, degraded)
        return patches._replace(lr=lr, clean=clean)


def stack_plan(plan: PatchPlan) -> Tensor:
    """The plan as one int64 tensor (5, B): image, top, left, symmetry, variant."""
    rows = (plan.image, plan.top, plan.left, plan.symmetry, plan.variant)
    return torch.from_numpy(np.stack(rows))


def lr_images(
    pack: Pack, scale: int, progress: Callable[[int, int], None] | None = None
) -> Callable[[int], NDArray[np.uint8]]:
    """Makes a pack's LR images if need be, and gives the one of an index, uint8 (h, w, 3)."""
    sizes = pack.sizes // scale
    return _map_images(_lr_pixels(pack, scale, sizes, progress), sizes).image


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
    """The file of LR pixels."""

    def shrink(i: int) -> NDArray[np.uint8]:
        height, width = lr_sizes[i].tolist()
        return resize_bicubic(np.asarray(pack[i][: height * scale, : width * scale]), height, width)

    return _derived(pack, f"lr_x{scale}.bin", len(pack), shrink, progress)


def _degraded_pixels(
    pack: Pack,
    lr: FlatImages,
    scale: int,
    degradation: Degradation,
    progress: Callable[[int, int], None] | None,
) -> Path:
    """The file of degraded LR pixels: every image's variants together, the least degraded first."""
    digest = degradation.digest
    key = int.from_bytes(digest[:16], "little")

    def degrade(image: int) -> NDArray[np.uint8]:
        clean = lr.image(image)
        variants: list[NDArray[np.uint8]] = []
        for variant in range(degradation.variants):
            bits = np.random.Philox(key=key, counter=[0, image, variant, scale])
            rng = np.random.Generator(bits)
            variants.append(degrade_image(pack[image], clean, scale, degradation, rng))
        variants.sort(key=lambda variant: _squared_error(variant, clean))
        return np.stack(variants)

    name = f"lr_x{scale}_{digest.hex()[:8]}.bin"
    return _derived(pack, name, len(pack), degrade, progress)


def _squared_error(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    difference = one.astype(np.float32) - other
    return float(np.vdot(difference, difference))


def write_given_lr(
    pack: Pack,
    scale: int,
    image: Callable[[int], NDArray[np.uint8]],
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Writes LR images that were not made here; they are never made again.

    Args:
        pack: the HR images.
        scale: HR size by LR size.
        image: gives the LR image of an index, uint8 (h, w, 3).
        progress: called after each image.

    Raises:
        ImageWriteError: they cannot be written.
    """
    return _write(pack, pack.folder / f"lr_x{scale}.bin", len(pack), image, progress, _GIVEN)


def _derived(
    pack: Pack,
    name: str,
    count: int,
    image: Callable[[int], NDArray[np.uint8]],
    progress: Callable[[int, int], None] | None,
) -> Path:
    """A file of images one after another, made when it is missing or damaged."""
    path = pack.folder / name
    with suppress(OSError):  # what cannot be read is made again
        sums = path.with_suffix(".sha256").read_bytes()
        if sums.removesuffix(_GIVEN) == _checksums(path, pack):
            return path
        if sums.endswith(_GIVEN):
            raise DataError(f"{path}: damaged; take its images again with splitsr data pair")
    return _write(pack, path, count, image, progress)


def _write(
    pack: Pack,
    path: Path,
    count: int,
    image: Callable[[int], NDArray[np.uint8]],
    progress: Callable[[int, int], None] | None,
    note: bytes = b"",
) -> Path:
    with open_atomic(path, overwrite=True) as file:
        for i in range(count):
            file.write(image(i).tobytes())
            if progress is not None:
                progress(i + 1, count)
    sums = _checksums(path, pack) + note
    write_atomic(path.with_suffix(".sha256"), sums, overwrite=True)
    return path


def _checksums(path: Path, pack: Pack) -> bytes:
    """Of the pixels and the HR pixels that they were made of, in `sha256sum`'s form."""
    return f"{sha256_of(path)}  {path.name}\n{pack.index.sha256}  {PIXELS_FILE}\n".encode()
