from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from splitsr.errors import ImageError
from splitsr.imaging.arrays import (
    fill_transparent,
    flatten,
    from_nchw,
    to_nchw,
    to_uint8,
    unpremultiply,
)

DTYPES = st.sampled_from([np.uint8, np.uint16])


@st.composite
def colors(draw: st.DrawFn, channels: tuple[int, ...] = (1, 3)) -> NDArray[Any]:
    shape = (draw(st.integers(1, 9)), draw(st.integers(1, 9)), draw(st.sampled_from(channels)))
    return draw(hnp.arrays(draw(DTYPES), shape))


@st.composite
def colors_and_alpha(draw: st.DrawFn) -> tuple[NDArray[Any], NDArray[Any]]:
    color = draw(colors())
    top = int(np.iinfo(color.dtype).max)
    levels = st.one_of(st.just(0), st.just(top), st.integers(0, top))
    return color, draw(hnp.arrays(color.dtype, color.shape[:2], elements=levels))


@given(colors())
def test_to_and_from_nchw_is_the_identity(color: NDArray[Any]) -> None:
    nchw = to_nchw(color)
    assert nchw.shape == (1, 3, *color.shape[:2])
    assert nchw.dtype == np.float32
    assert nchw.flags.c_contiguous
    assert nchw.min() >= 0
    assert nchw.max() <= 1
    back = from_nchw(nchw, color.dtype, color.shape[2])
    assert back.dtype == color.dtype
    assert back.flags.c_contiguous
    np.testing.assert_array_equal(back, color)


def test_to_nchw_puts_channels_first() -> None:
    color = np.array([[[255, 0, 51]], [[0, 102, 255]]], np.uint8)
    expected = np.float32([[[[1], [0]], [[0], [0.4]], [[0.2], [1]]]])
    np.testing.assert_allclose(to_nchw(color), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("value", "level8", "level16"),
    [
        (-3.0, 0, 0),
        (-0.0, 0, 0),
        (0.5, 128, 32768),  # 127.5 and 32767.5: halves go up
        (100.499 / 255, 100, round(100.499 * 257)),
        (100.501 / 255, 101, round(100.501 * 257)),
        (1.0, 255, 65535),
        (1.7, 255, 65535),
        (np.inf, 255, 65535),
        (-np.inf, 0, 0),
    ],
)
def test_from_nchw_clamps_and_rounds(value: float, level8: int, level16: int) -> None:
    nchw = np.full((1, 3, 1, 2), value, np.float32)
    assert from_nchw(nchw, np.uint8, 3).tolist() == [[[level8] * 3] * 2]
    assert from_nchw(nchw, np.uint16, 3).tolist() == [[[level16] * 3] * 2]


def test_from_nchw_gray_is_the_mean_of_the_channels() -> None:
    nchw = np.float32([10, 20, 33]).reshape(1, 3, 1, 1) / 255
    assert from_nchw(nchw, np.uint8, 1).tolist() == [[[21]]]


def test_from_nchw_refuses_nan() -> None:
    nchw = np.zeros((1, 3, 4, 4), np.float32)
    nchw[0, 1, 2, 3] = np.nan
    with pytest.raises(ImageError, match="NaN"):
        from_nchw(nchw, np.uint8, 3)


def test_to_uint8_takes_the_nearest_level() -> None:
    values = np.arange(65536, dtype=np.uint16)
    exact = np.rint(values.astype(np.float64) * 255 / 65535)
    np.testing.assert_array_equal(to_uint8(values), exact)


@given(colors_and_alpha())
def test_flatten_is_exact(picture: tuple[NDArray[Any], NDArray[Any]]) -> None:
    color, alpha = picture
    top = int(np.iinfo(color.dtype).max)
    weight = alpha.astype(object)[:, :, None]
    exact = (color.astype(object) * weight + top * (top - weight)) * 2 + top
    np.testing.assert_array_equal(flatten(color, alpha), exact // (2 * top))


@given(colors_and_alpha())
def test_unpremultiply_undoes_premultiplication(
    picture: tuple[NDArray[Any], NDArray[Any]],
) -> None:
    color, alpha = picture
    top = int(np.iinfo(color.dtype).max)
    weight = alpha.astype(np.uint64)[:, :, None]
    premultiplied = ((color * weight + top // 2) // top).astype(color.dtype)
    straight = unpremultiply(premultiplied, alpha).astype(np.float64)
    # Premultiplying rounds by half a level, which dividing by alpha magnifies.
    allowed = 0.5 * top / np.maximum(alpha, 1)[:, :, None] + 0.5
    error = np.abs(straight - color)
    assert np.all((error <= allowed) | (weight == 0))


@given(colors_and_alpha())
@settings(max_examples=200)
def test_fill_transparent_changes_only_holes(
    picture: tuple[NDArray[Any], NDArray[Any]],
) -> None:
    color, alpha = picture
    before = color.copy()
    filled = fill_transparent(color, alpha)
    np.testing.assert_array_equal(color, before)
    assert filled.dtype == color.dtype
    assert filled.shape == color.shape
    seen = alpha > 0
    np.testing.assert_array_equal(filled[seen], color[seen])
    if seen.any():
        # A mean of visible colours lies between them, whatever stood in the holes.
        assert np.all(filled.min(axis=(0, 1)) >= color[seen].min(axis=0))
        assert np.all(filled.max(axis=(0, 1)) <= color[seen].max(axis=0))


@pytest.mark.parametrize("value", [0, 7, 255])
def test_fill_transparent_without_holes_or_without_colours(value: int) -> None:
    color = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    assert fill_transparent(color, np.full((4, 4), value, np.uint8)) is color


def test_fill_transparent_removes_the_dark_fringe() -> None:
    photo = skimage.data.astronaut()[:200, :173]
    rows, columns = np.mgrid[:200, :173]
    alpha = np.where((rows - 90) ** 2 + (columns - 80) ** 2 < 3000, 255, 0).astype(np.uint8)
    black_outside = np.where(alpha[:, :, None] > 0, photo, 0).astype(np.uint8)
    filled = fill_transparent(black_outside, alpha).astype(float)
    # Across the edge the fill goes on as the picture does; black would differ by its brightness.
    edge = np.zeros_like(alpha, bool)
    edge[:, 1:] = (alpha[:, 1:] == 0) & (alpha[:, :-1] == 255)
    neighbour = np.roll(filled, 1, axis=1)
    step = np.abs(filled - neighbour)[edge].mean()
    black_step = np.abs(black_outside.astype(float) - neighbour)[edge].mean()
    assert step < black_step / 4


def test_fill_transparent_takes_the_single_colour_everywhere() -> None:
    color = np.zeros((65, 130, 3), np.uint16)
    alpha = np.zeros((65, 130), np.uint16)
    color[40, 99] = 60000, 5, 1234
    alpha[40, 99] = 1
    filled = fill_transparent(color, alpha)
    assert np.all(filled == np.array([60000, 5, 1234]))
