"""Whether an exported network computes what the network in torch does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import numpy.typing as npt

from splitsr.errors import ModelError
from splitsr.imaging.arrays import from_nchw, to_nchw
from splitsr.runtime.engine import Engine

if TYPE_CHECKING:  # reading what was measured needs no torch
    from torch import nn

MAX_DIFFERENCE = 1e-4
MAX_LEVELS = 1
# Rounding to levels turns the smallest difference into a whole level where a value lies on the
# boundary between two; that must stay rare.
MAX_CHANGED_SHARE = 1e-3


class Parity(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The largest differences between two forms of a network.

    Attributes:
        max_difference: of the float32 output, where black is 0 and white 1.
        max_levels: of the 8-bit output.
        changed_share: part of the 8-bit values that differ, 0 to 1.
        values: how many were compared.
    """

    max_difference: float
    max_levels: int
    changed_share: float
    values: int

    @property
    def holds(self) -> bool:
        """Whether the differences are those of float rounding. Not where one is NaN."""
        return (
            self.max_difference <= MAX_DIFFERENCE
            and self.max_levels <= MAX_LEVELS
            and self.changed_share <= MAX_CHANGED_SHARE
        )


def compare_export(
    network: nn.Module, engine: Engine, images: Iterable[npt.NDArray[np.uint8]]
) -> Parity:
    """Runs both forms on images.

    Args:
        network: in torch, in evaluation mode, on the CPU.
        engine: the exported form.
        images: at least one, (H, W, 3) uint8 RGB.
    """
    import torch

    difference, levels, changed, values = 0.0, 0, 0, 0
    for image in images:
        lr = to_nchw(image)
        with torch.inference_mode():
            expected = network(torch.from_numpy(lr)).numpy()
        found = engine.run(lr)
        # np.maximum keeps a NaN, which max() may drop.
        difference = float(np.maximum(difference, np.abs(found - expected).max()))
        steps = np.abs(_levels(found) - _levels(expected))
        levels = max(levels, int(steps.max()))
        changed += int(np.count_nonzero(steps))
        values += steps.size
    return Parity(
        max_difference=difference,
        max_levels=levels,
        changed_share=changed / values,
        values=values,
    )


def require_parity(parity: Parity, name: str) -> None:
    """Refuses an export that differs by more than rounding.

    Raises:
        ModelError: it does; the message has the differences and the limits.
    """
    if not parity.holds:
        raise ModelError(
            f"{name}: the export differs from torch by up to {parity.max_difference:.2g} and "
            f"{parity.max_levels} levels, on {parity.changed_share:.2%} of the values; allowed: "
            f"{MAX_DIFFERENCE:g}, {MAX_LEVELS} level, {MAX_CHANGED_SHARE:.2%}; nothing was written"
        )


def _levels(nchw: npt.NDArray[np.float32]) -> npt.NDArray[np.int16]:
    # A NaN shows in the float output; here it is black.
    return from_nchw(np.nan_to_num(nchw), np.uint8, 3).astype(np.int16)
