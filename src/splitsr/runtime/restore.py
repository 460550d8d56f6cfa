"""How strongly a degraded image is restored: the share that a model's twin has in its weights."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
import numpy as np

from splitsr.errors import WeightsError
from splitsr.imaging.degradation import estimate_noise, former_compression
from splitsr.imaging.photo import Photo
from splitsr.zoo.catalogue import CATALOGUE

Restore = float | Literal["auto", "off"]
"""A strength, 0 to 1; `auto` for the one that suits the image, `off` for 0."""

TABLES = CATALOGUE.with_name("restore.toml")

ASSUMED_QUALITY = 90.0
"""Of a file that was compressed with loss and does not tell how much.

An AVIF of Pillow's own quality, 75, has the PSNR of a JPEG at 91, one of 50 that of a JPEG at 70.
Its quantizer stands behind AV1's sequence and frame headers, which are not worth a parser.
"""

_STEPS = 8  # of strength from 0 to 1 under `auto`, so that few networks serve many images


class Restoration(NamedTuple):
    """How an image is restored.

    Attributes:
        strength: the twin's share of the weights, 0 to 1.
        reason: what it was chosen for, in a few words.
    """

    strength: float
    reason: str


class StrengthTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The best strength by quality and noise; what `restore.toml` has for a model.

    Attributes:
        quality: as libjpeg counts, ascending.
        noise: as `estimate_noise` gives it, ascending.
        strength: a row for each noise, a value for each quality.
    """

    quality: list[float]
    noise: list[float]
    strength: list[list[float]]

    def __post_init__(self) -> None:
        grid = np.array(self.strength)
        if grid.shape != (len(self.noise), len(self.quality)):
            raise ValueError("strength: must have a row for each noise, a value for each quality")
        if not ((grid >= 0) & (grid <= 1)).all():
            raise ValueError("strength: must be 0 to 1")
        if min(np.diff(self.quality, prepend=-1)) <= 0 or min(np.diff(self.noise, prepend=-1)) <= 0:
            raise ValueError("quality and noise: must ascend from 0 or more")

    def at(self, quality: float, noise: float) -> float:
        """The strength by bilinear interpolation, in steps of 1/8."""
        rows = [np.interp(quality, self.quality, row) for row in self.strength]
        return round(float(np.interp(noise, self.noise, rows)) * _STEPS) / _STEPS


def check_restore(restore: Restore) -> Restore:
    """Gives back what is a `Restore`.

    Raises:
        ValueError: it is none.
    """
    if restore in ("auto", "off") or (not isinstance(restore, str) and 0 <= restore <= 1):
        return restore
    raise ValueError(f"restore: found {restore}; must be auto, off, or 0 to 1")


def choose_restoration(model: str | None, photo: Photo | None) -> Restoration:
    """Chooses the strength that suits an image.

    Args:
        model: that has a twin, by its name; None for one that has none.
        photo: the image; None will do for a lossless file.

    Raises:
        WeightsError: the tables are missing or not valid.
    """
    lossless = Restoration(0.0, "lossless file")
    if photo is None or photo.compression is None:
        return lossless
    if model is None:
        return Restoration(0.0, "the model has no twin for degraded images")
    compression = former_compression(photo.compression, photo.color)
    if compression is None:
        return lossless
    tables = read_tables()
    noise, quality = estimate_noise(photo.color), compression.quality
    known = f"quality {quality:.0f}" if quality is not None else "of unknown quality"
    table = tables.get(model, tables["default"])
    strength = table.at(ASSUMED_QUALITY if quality is None else quality, noise)
    return Restoration(strength, f"{compression.format} {known}, noise {noise:.1f}")


@cache
def read_tables(path: Path = TABLES) -> Mapping[str, StrengthTable]:
    """The tables by model, and `default`.

    Raises:
        WeightsError: the file is missing or not valid.
    """
    try:
        tables = msgspec.toml.decode(path.read_bytes(), type=dict[str, StrengthTable])
        return {"default": tables["default"], **tables}
    except (OSError, msgspec.DecodeError, KeyError) as error:
        raise WeightsError(f"{path}: not valid tables of strengths ({error})") from error
