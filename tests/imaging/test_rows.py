"""Pictures that come in bands: what is made of them does not depend on how they were cut."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splitsr.imaging.resize import resize_bicubic, resize_rows
from splitsr.imaging.rows import Rows, RowWindow, Strips


def cut(pixels: np.ndarray, heights: list[int]) -> Iterator[np.ndarray]:
    """Bands of the given heights in turns, until there is no more."""
    top, index = 0, 0
    while top < len(pixels):
        height = heights[index % len(heights)]
        yield pixels[top : top + height]
        top, index = top + height, index + 1


def in_bands(pixels: np.ndarray, heights: list[int]) -> Rows:
    return Rows(*pixels.shape, pixels.dtype, cut(pixels, heights))


HEIGHTS = st.lists(st.integers(1, 9), min_size=1, max_size=4)


@settings(max_examples=60, deadline=None)
@given(
    size=st.tuples(st.integers(1, 40), st.integers(1, 12)),
    out=st.tuples(st.integers(1, 90), st.integers(1, 30)),
    heights=HEIGHTS,
    deep=st.booleans(),
)
def test_resizing_in_bands_is_resizing(
    size: tuple[int, int], out: tuple[int, int], heights: list[int], deep: bool
) -> None:
    dtype = np.uint16 if deep else np.uint8
    pixels = np.random.default_rng(5).integers(0, np.iinfo(dtype).max, (*size, 3)).astype(dtype)

    streamed = resize_rows(in_bands(pixels, heights), *out)

    assert (streamed.height, streamed.width) == out
    np.testing.assert_array_equal(streamed.gather(), resize_bicubic(pixels, *out))


@pytest.mark.parametrize("out", [(150, 60), (700, 90), (299, 61), (900, 240)])
def test_resizing_over_many_strips(photo: np.ndarray, out: tuple[int, int]) -> None:
    pixels = photo[:300, :61]
    streamed = resize_rows(in_bands(pixels, [7, 64, 1]), *out).gather()
    np.testing.assert_array_equal(streamed, resize_bicubic(pixels, *out))


@settings(max_examples=50, deadline=None)
@given(height=st.integers(1, 40), rows=st.integers(1, 12), heights=HEIGHTS)
def test_strips_are_the_rows_in_order(height: int, rows: int, heights: list[int]) -> None:
    pixels = np.arange(height * 2, dtype=np.uint8).reshape(height, 2, 1)
    strips, found = Strips(rows), []
    for band in cut(pixels, heights):
        scratch = band.copy()
        found += [strip.copy() for strip in strips.feed(scratch)]
        scratch[:] = 255  # what is kept back must be a copy
    found += list(strips.flush())

    assert [len(strip) for strip in found[:-1]] == [rows] * (len(found) - 1)
    np.testing.assert_array_equal(np.concatenate(found), pixels)
    assert list(strips.flush()) == []


def test_a_window_moves_down_and_forgets() -> None:
    pixels = np.arange(20, dtype=np.uint8).reshape(20, 1, 1)
    taken = []

    def bands() -> Iterator[np.ndarray]:
        for band in cut(pixels, [4]):
            taken.append(len(band))
            yield band

    window = RowWindow(Rows(20, 1, 1, np.uint8, bands()))

    assert window.take(0, 3)[:, 0, 0].tolist() == [0, 1, 2]
    assert len(taken) == 1
    assert window.take(2, 9)[:, 0, 0].tolist() == list(range(2, 9))
    assert len(taken) == 3
    assert window.take(16, 20)[:, 0, 0].tolist() == list(range(16, 20))
    assert len(window._held) == 1


def test_a_constant_is_one_value_everywhere() -> None:
    assert (Rows.constant(5, 4, np.uint16(700)).gather() == np.full((5, 4, 1), 700)).all()
