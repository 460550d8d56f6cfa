"""How an image reaches any size from 1 to 64 times its own with networks for a few scales."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from math import ceil, prod
from typing import NamedTuple

MIN_SCALE, MAX_SCALE = 1, 64


class Pass(NamedTuple):
    """One network over the whole image.

    Attributes:
        scale: the network's.
        height: rows that the network is given; the image is resized to them if it has others.
        width: columns that it is given.
    """

    scale: int
    height: int
    width: int


class PassPlan(NamedTuple):
    """The passes in order, and the final size that the image is then resized to."""

    passes: tuple[Pass, ...]
    height: int
    width: int


def plan_passes(height: int, width: int, scale: float, available: Iterable[int]) -> PassPlan:
    """Plans the way to `scale`.

    One pass of the nearest larger network; where none is large enough, the fewest passes that
    are, smaller factors first, as the later pass has more pixels to work on. The image is
    always shrunk by bicubic and never enlarged by it. Between two passes it is shrunk as far as
    the rest of the way allows: the second network then gets what it was trained on, an image
    made sharp by shrinking, and no image on the way is much larger than the result.

    Args:
        height: rows of the image.
        width: columns of the image.
        scale: the enlargement, 1 to 64.
        available: scales of the networks at hand.

    Returns:
        The passes and the result's size, `round(scale * size)` along each axis.

    Raises:
        ValueError: the scale is out of range.
    """
    if not MIN_SCALE <= scale <= MAX_SCALE:
        raise ValueError(f"scale: found {scale:g}; must be {MIN_SCALE:g} to {MAX_SCALE:g}")
    rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
    factors = choose_factors(scale, available)
    passes: list[Pass] = []
    for index, factor in enumerate(factors):
        if passes:
            rest = prod(factors[index:])
            height, width = min(height, ceil(rows / rest)), min(width, ceil(columns / rest))
        passes.append(Pass(factor, height, width))
        height, width = height * factor, width * factor
    return PassPlan(tuple(passes), rows, columns)


def choose_factors(scale: float, available: Iterable[int]) -> tuple[int, ...]:
    """The fewest factors whose product reaches `scale`; of equally many, the least product."""
    scales = sorted(set(available))
    if not scales or scales[0] < 2:
        raise ValueError(f"scales of the networks: found {scales}; must be 2 or more")
    for count in range(1, ceil(MAX_SCALE).bit_length()):
        found = [way for way in product(scales, repeat=count) if prod(way) >= scale]
        if found:
            return min(found, key=lambda way: (prod(way), way))
    raise ValueError(f"scale: found {scale:g}; must be at most {MAX_SCALE:g}")
