"""Which parts of an image a heavy network computes and which a light one: a pure plan.

After MobiSR's scheduler (Lee et al. 2019, "MobiSR: Efficient On-Device Super-Resolution through
Heterogeneous Mobile Processors", arXiv 1908.07985): the image is cut into patches, and those of
little total variation go to the light network. Beyond the paper, two things:

- The variation is divided by its mean over the image, so each image spends its time where it
  needs it most. In trials a threshold found on one set of images then kept its loss on others;
  one in plain levels lost twice as much on B100 as where it was found.
- Patches are not run one by one. A patch needs context on each side, which costs as much as the
  patch itself where patches are small. So neighbours are joined to rectangles, and the plan is the
  cheapest one: the work of both networks, context included, and a penalty for what the light one
  does worse. The penalty of a patch grows with the square of its difficulty and is such that a
  patch without any context is sent to the heavy network just above the threshold.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from splitsr.runtime.engine import FloatArray
from splitsr.runtime.tile_plan import Span

Costs = npt.NDArray[np.float64]

_FLAT = 1e-6  # keeps the difficulty of an image of one colour defined
_LEAST_CUT = 24  # LR pixels: shorter windows are not halved
_WHOLE, _BY_ROWS, _BY_COLUMNS = 0, 1, 2


class Window(NamedTuple):
    """One run of one of the networks.

    Attributes:
        light: whether it is the light one.
        rows: what is read and what is kept, LR pixels.
        columns: the same across.
    """

    light: bool
    rows: Span
    columns: Span

    @property
    def pixels(self) -> int:
        """LR pixels that are computed."""
        return self.rows.length * self.columns.length

    @property
    def core_pixels(self) -> int:
        """LR pixels that are kept."""
        return self.rows.core_length * self.columns.core_length


class Halos(NamedTuple):
    """Context that each network gets on each side, LR pixels."""

    heavy: int
    light: int


class _Area(NamedTuple):
    """Patches of one route, in numbers of patches; stops are exclusive."""

    light: bool
    top: int
    bottom: int
    left: int
    right: int


def difficulty(lr: FloatArray, patch_size: int) -> Costs:
    """How hard each patch of an image is to enlarge.

    Args:
        lr: (3, H, W) float32, RGB in [0, 1].
        patch_size: side of a patch, LR pixels; the last ones may be smaller.

    Returns:
        (rows, columns) of patches: total variation a pixel, by its mean over the image; 1 is
        as hard as the image as a whole.
    """
    gray = lr.mean(axis=0)
    variation = np.zeros_like(gray)
    variation[:, :-1] += np.abs(np.diff(gray, axis=1))
    variation[:-1] += np.abs(np.diff(gray, axis=0))
    rows, columns = (np.arange(0, size, patch_size) for size in gray.shape)
    sums = np.add.reduceat(np.add.reduceat(variation, rows, 0), columns, 1).astype(np.float64)
    heights, widths = (
        np.diff(np.append(starts, size))
        for starts, size in zip((rows, columns), gray.shape, strict=True)
    )
    mean = max(float(sums.sum()) / gray.size, _FLAT)
    found: Costs = sums / np.outer(heights, widths) / mean
    return found


def plan_windows(
    relative: Costs, size: tuple[int, int], patch_size: int, halos: Halos, light_cost: float
) -> list[Window]:
    """Finds the cheapest rectangles, among those that halving the image again and again gives.

    Args:
        relative: (rows, columns) difficulty of each patch by the threshold.
        size: height and width of the image, LR pixels.
        patch_size: side of a patch.
        halos: context of each network.
        light_cost: time of the light network by that of the heavy one, for the same pixels.

    Returns:
        Windows whose cores cover every LR pixel exactly once.
    """
    penalty = (1 - light_cost) * _patch_pixels(size, patch_size) * relative**2
    areas = _cheapest(penalty, size, patch_size, halos, light_cost)
    for by_rows in (False, True):
        areas = _join(areas, by_rows=by_rows)
    return [
        Window(
            area.light,
            _span(area.top, area.bottom, size[0], patch_size, halos[area.light]),
            _span(area.left, area.right, size[1], patch_size, halos[area.light]),
        )
        for area in areas
    ]


def share_work(
    windows: list[Window], halos: Halos, light_cost: float, workers: int
) -> list[Window]:
    """Halves windows that are more than one worker's part, and puts the longest first."""
    if workers == 1:
        return windows

    def work(window: Window) -> float:
        return window.pixels * (light_cost if window.light else 1)

    most = 1.05 * sum(map(work, windows)) / workers
    shared: list[Window] = []
    waiting = list(windows)
    while waiting:
        window = waiting.pop()
        halves = _halve(window, halos[window.light]) if work(window) > most else [window]
        (waiting if len(halves) > 1 else shared).extend(halves)
    return sorted(shared, key=work, reverse=True)


def _cheapest(
    penalty: Costs, size: tuple[int, int], patch_size: int, halos: Halos, light_cost: float
) -> list[_Area]:
    """Least cost of all rectangles from the bottom up, then the way back down."""
    grid = penalty.shape
    heavy, light = (_work(size, patch_size, halo) for halo in halos)
    padded = np.zeros([1 << (count - 1).bit_length() for count in grid])
    padded[: grid[0], : grid[1]] = penalty
    penalties, costs, choices = {(0, 0): padded}, dict[tuple[int, int], Costs](), {}
    for level in heavy:
        if level not in penalties:
            penalties[level] = _halved(penalties, level)
        routes = heavy[level], light_cost * light[level] + penalties[level]
        cost, choice = np.minimum(*routes), np.zeros(routes[0].shape, np.int8)
        for way, below in ((_BY_ROWS, (level[0] - 1, level[1])), (_BY_COLUMNS, _narrower(level))):
            if below in costs:
                apart = _pairs(costs[below], by_rows=way == _BY_ROWS)
                choice[apart < cost] = way
                cost = np.minimum(cost, apart)
        costs[level], choices[level] = cost, (choice, routes[1] <= routes[0])
    return _walk(choices, max(heavy), grid)


def _narrower(level: tuple[int, int]) -> tuple[int, int]:
    return level[0], level[1] - 1


def _halved(known: dict[tuple[int, int], Costs], level: tuple[int, int]) -> Costs:
    if level[1]:
        return _pairs(known[_narrower(level)], by_rows=False)
    return _pairs(known[level[0] - 1, 0], by_rows=True)


def _pairs(values: Costs, *, by_rows: bool) -> Costs:
    """Sums of neighbours."""
    return values[0::2] + values[1::2] if by_rows else values[:, 0::2] + values[:, 1::2]


def _walk(
    choices: dict[tuple[int, int], tuple[npt.NDArray[np.int8], npt.NDArray[np.bool_]]],
    top: tuple[int, int],
    grid: tuple[int, ...],
) -> list[_Area]:
    """The rectangles that the choices lead to, from the whole image down."""
    areas: list[_Area] = []
    waiting = [(top, 0, 0)]
    while waiting:
        (down, across), row, column = waiting.pop()
        area = (
            (row << down, min(row + 1 << down, grid[0])),
            (
                column << across,
                min(column + 1 << across, grid[1]),
            ),
        )
        if area[0][0] >= area[0][1] or area[1][0] >= area[1][1]:
            continue
        choice, light = (found[row, column] for found in choices[down, across])
        if choice == _BY_ROWS:
            waiting += [((down - 1, across), 2 * row + half, column) for half in (0, 1)]
        elif choice == _BY_COLUMNS:
            waiting += [((down, across - 1), row, 2 * column + half) for half in (0, 1)]
        else:
            areas.append(_Area(bool(light), *area[0], *area[1]))
    return areas


@lru_cache(maxsize=16)
def _work(size: tuple[int, int], patch_size: int, halo: int) -> dict[tuple[int, int], Costs]:
    """Pixels that a network computes for each rectangle of 2**i by 2**j patches, by (i, j)."""
    rows, columns = (_lengths(length, patch_size, halo) for length in size)
    return {
        (i, j): np.outer(down, across)
        for i, down in enumerate(rows)
        for j, across in enumerate(columns)
    }


def _lengths(size: int, patch_size: int, halo: int) -> list[Costs]:
    """Lengths of windows of 1, 2, 4 ... patches along an axis; 0 beyond the image."""
    count = -(-size // patch_size)
    levels = (count - 1).bit_length() + 1
    lengths: list[Costs] = []
    for level in range(levels):
        starts = np.arange(0, 1 << (levels - 1), 1 << level) * patch_size
        stops = np.minimum(starts + (patch_size << level) + halo, size)
        inside = np.maximum(stops - np.maximum(starts - halo, 0), 0)
        lengths.append(np.where(starts < size, inside, 0).astype(np.float64))
    return lengths


@lru_cache(maxsize=16)
def _patch_pixels(size: tuple[int, int], patch_size: int) -> Costs:
    return _work(size, patch_size, 0)[0, 0][
        : -(-size[0] // patch_size), : -(-size[1] // patch_size)
    ]


def _join(areas: list[_Area], *, by_rows: bool) -> list[_Area]:
    """Joins neighbours of one route that make a rectangle, one below or one beside another."""

    def key(area: _Area) -> tuple[int, ...]:
        sides = (area.left, area.right) if by_rows else (area.top, area.bottom)
        return (area.light, *sides, area.top if by_rows else area.left)

    joined: list[_Area] = []
    for area in sorted(areas, key=key):
        last = joined[-1] if joined else None
        if last is None or key(last)[:3] != key(area)[:3]:
            joined.append(area)
        elif by_rows and last.bottom == area.top:
            joined[-1] = last._replace(bottom=area.bottom)
        elif not by_rows and last.right == area.left:
            joined[-1] = last._replace(right=area.right)
        else:
            joined.append(area)
    return joined


def _span(first: int, stop: int, size: int, patch_size: int, halo: int) -> Span:
    core_start, core_stop = first * patch_size, min(stop * patch_size, size)
    return Span(max(core_start - halo, 0), min(core_stop + halo, size), core_start, core_stop)


def _halve(window: Window, halo: int) -> list[Window]:
    """Cuts a window across its longer side, unless the halves would be small."""
    along_rows = window.rows.core_length >= window.columns.core_length
    span = window.rows if along_rows else window.columns
    if span.core_length < max(8 * halo, _LEAST_CUT):
        return [window]
    middle = (span.core_start + span.core_stop) // 2
    halves = (
        Span(span.start, min(middle + halo, span.stop), span.core_start, middle),
        Span(max(middle - halo, span.start), span.stop, middle, span.core_stop),
    )
    if along_rows:
        return [window._replace(rows=half) for half in halves]
    return [window._replace(columns=half) for half in halves]
