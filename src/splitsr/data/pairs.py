"""LR images that are given: found by their names, and put into a pack in place of bicubic ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from splitsr.data.pack import Pack, Progress
from splitsr.data.sources import ImageSource, decode_rgb, find_images
from splitsr.errors import DataError, ImageError

Pixels = npt.NDArray[np.uint8]


def read_rgb(source: ImageSource) -> Pixels:
    """An image as (H, W, 3) uint8; gray ones get three equal channels.

    Raises:
        DataError: it cannot be read; the message has its name.
    """
    try:
        return decode_rgb(source.read())
    except (OSError, ImageError) as error:
        raise DataError(f"{source.name}: {error}") from error


def match_lr(lr_dir: Path, hr_names: Sequence[str], scale: int) -> dict[str, ImageSource]:
    """The LR image of each HR image, by the HR image's name.

    Args:
        lr_dir: LR images, named as the HR ones; endings such as `x4`, `_LR` and `_HR` do not
            matter. A subfolder `X4` (the scale) is preferred where there is one.
        hr_names: of the HR images.
        scale: HR size by LR size.

    Raises:
        DataError: an LR image is missing or ambiguous.
    """
    of_scale = lr_dir / f"X{scale}"
    folder = of_scale if of_scale.is_dir() else lr_dir
    by_key: dict[str, list[ImageSource]] = {}
    for source in find_images([folder]):
        by_key.setdefault(_key(source.name, scale), []).append(source)
    matched: dict[str, ImageSource] = {}
    for name in hr_names:
        match by_key.get(_key(name, scale), []):
            case [lr]:
                matched[name] = lr
            case []:
                stem = Path(name).stem
                raise DataError(
                    f"{folder}: no LR image for {name}; looked for {stem} and {stem}x{scale}"
                )
            case several:
                names = ", ".join(lr.name for lr in several)
                raise DataError(f"{folder}: several LR images for {name}: {names}")
    return matched


def read_lr(source: ImageSource, hr_name: str, hr_size: tuple[int, int], scale: int) -> Pixels:
    """The LR image of an HR image of a height and a width, (H // scale, W // scale, 3) uint8.

    Raises:
        DataError: it cannot be read, or has another size.
    """
    lr = read_rgb(source)
    height, width = hr_size[0] // scale, hr_size[1] // scale
    if lr.shape[:2] != (height, width):
        raise DataError(
            f"{source.name}: {lr.shape[1]}x{lr.shape[0]} pixels; the LR image of {hr_name} "
            f"at x{scale} must have {width}x{height}"
        )
    return lr


def given_lr(pack: Pack, lr_dir: Path, scale: int) -> Callable[[int], Pixels]:
    """Reads the LR image of each of a pack's images from a folder, see `match_lr`.

    Raises:
        DataError: one is missing or ambiguous; on reading, as `read_lr`.
    """
    sources = match_lr(lr_dir, pack.names, scale)

    def read(index: int) -> Pixels:
        name, (height, width) = pack.names[index], pack.sizes[index].tolist()
        return read_lr(sources[name], name, (height, width), scale)

    return read


def pair(pack: Pack, lr_dir: Path, scale: int, progress: Progress | None = None) -> Path:
    """Gives a pack LR images that were made elsewhere, or photographed: it trains on those.

    Args:
        pack: the HR images.
        lr_dir: the LR images, see `match_lr`.
        scale: HR size by LR size.
        progress: called after each image.

    Returns:
        The file of LR pixels.

    Raises:
        DataError: an image is missing, ambiguous, broken or of the wrong size; or the pack has
            targets or degraded images, which were made of the LR images before.
        ImageWriteError: the file cannot be written.
    """
    from splitsr.data.patches import write_given_lr  # it needs PyTorch

    derived = [*pack.folder.glob(f"lr_x{scale}_*.bin"), *pack.folder.glob(f"target_*_x{scale}.bin")]
    if derived:
        names = ", ".join(sorted(path.name for path in derived))
        raise DataError(f"{pack.folder}: has {names}, made of its LR images; remove them first")
    return write_given_lr(pack, scale, given_lr(pack, lr_dir, scale), progress)


def _key(name: str, scale: int) -> str:
    """A name without its suffix and endings, for matching HR and LR images."""
    return re.sub(rf"([_-]?(HR|GT|LR|x{scale}))+$", "", Path(name).stem, flags=re.IGNORECASE)
