"""Whether pixels were once a JPEG: steps at the borders of its blocks of 8x8 pixels.

Each part of the image votes for the one of 8 columns, and of 8 rows, at which the luma bends
most. Votes of an image that never was a JPEG are spread; of one that was a JPEG before it was
reduced by half, two columns share them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from splitsr.imaging.color import luma_levels

_BLOCK, _PART = 8, 32
_MOST_SIDE = 1024  # of the middle that is looked at
_MOST_BEND = 10.0  # levels: edges of the image itself are steeper
_FEWEST_VOTES = 100
_LEAD = 0.25  # as a share of the votes; see docs/training-notes.md
_QUALITIES = (90.0, 75.0, 50.0)
_LEADS = (0.6, 0.8, 0.92)


def former_quality(color: npt.NDArray[Any]) -> float | None:
    """About the quality of the JPEG that an image was; None for one that shows no blocks.

    Args:
        color: (H, W, 1|3) uint8 or uint16. Less than about 320x320 pixels tell too little.
    """
    height, width = (min(side, _MOST_SIDE) for side in color.shape[:2])
    top, left = (color.shape[0] - height) // 2, (color.shape[1] - width) // 2
    if height * width < _FEWEST_VOTES * _PART**2:
        return None
    luma = luma_levels(color[top : top + height, left : left + width])
    lead = min(_lead(luma), _lead(luma.T))
    return float(np.interp(lead, _LEADS, _QUALITIES)) if lead > _LEAD else None


def _lead(luma: npt.NDArray[np.float64]) -> float:
    """By how many of the votes, as a share, one column in 8 is ahead of the second."""
    slope = luma[:, :-1] - luma[:, 1:]
    bend = np.abs(slope[:, 1:-1] - (slope[:, :-2] + slope[:, 2:]) / 2).clip(max=_MOST_BEND)
    rows, columns = bend.shape[0] // _PART, bend.shape[1] // _PART
    parts = bend[: rows * _PART, : columns * _PART]
    parts = parts.reshape(rows, _PART, columns, _PART // _BLOCK, _BLOCK)
    means = parts.mean(axis=(1, 3)).reshape(-1, _BLOCK)
    voters = means[np.ptp(means, axis=1) > 1e-4]
    votes = np.sort(np.bincount(voters.argmax(axis=1), minlength=_BLOCK))
    return float(votes[-1] - votes[-2]) / len(voters) if len(voters) >= _FEWEST_VOTES else 0.0
