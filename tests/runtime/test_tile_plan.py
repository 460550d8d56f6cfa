from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from splitsr.networks import SplitSRSpec
from splitsr.runtime.tile_plan import (
    AUTO_TILE_BYTES,
    BAND_VALUES,
    Span,
    auto_tile,
    auto_tiles,
    engine_bytes,
    plan_axis,
    plan_tiles,
    whole_image_pixels,
)

GOLDEN = Path(__file__).parents[1] / "golden" / "tiles.json"
SHIPPED_KIND = SplitSRSpec(
    n_feats=64, channel_attention=False, upsampler="single_step", image_skip="nearest"
)


@given(st.integers(1, 3000), st.integers(1, 300), st.integers(0, 40))
def test_an_axis_is_covered_once_and_every_core_has_its_context(
    size: int, tile: int, halo: int
) -> None:
    spans = plan_axis(size, tile, halo)

    covered = [pixel for span in spans for pixel in range(span.core_start, span.core_stop)]
    assert covered == list(range(size))
    for span in spans:
        assert span.start <= max(0, span.core_start - halo)
        assert span.stop >= min(size, span.core_stop + halo)
        assert 0 <= span.start < span.stop <= size
        assert span.core_start < span.core_stop


@given(st.integers(1, 3000), st.integers(1, 300), st.integers(0, 40))
def test_windows_are_equal_bounded_and_few(size: int, tile: int, halo: int) -> None:
    spans = plan_axis(size, tile, halo)

    lengths = {span.length for span in spans}
    assert len(lengths) == 1
    assert lengths.pop() <= tile + 2 * halo
    # One tile fewer could not cover the axis with windows of that length.
    assert len(spans) == 1 or (len(spans) - 1) * tile + 2 * halo < size


@given(st.integers(40, 3000), st.integers(20, 300), st.integers(0, 40))
def test_no_tile_is_a_sliver(size: int, tile: int, halo: int) -> None:
    cores = [span.core_length for span in plan_axis(size, tile, halo)]

    assert min(cores) >= min(size, tile) // 2 - 1
    assert max(cores) - min(cores) <= halo + 2


def test_an_axis_by_hand() -> None:
    # 2 windows of 6 overlap by 2 halos of 1 on an axis of 10.
    assert plan_axis(10, 4, 1) == (Span(0, 6, 0, 5), Span(4, 10, 5, 10))
    assert plan_axis(10, 8, 1) == (Span(0, 10, 0, 10),)
    assert plan_axis(1, 1, 5) == (Span(0, 1, 0, 1),)


@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 40), st.integers(0, 12))
def test_tiles_cover_the_picture_exactly_once(h: int, w: int, tile: int, halo: int) -> None:
    count = np.zeros((h, w), int)
    for rows, columns in plan_tiles(h, w, tile, halo):
        count[rows.core_start : rows.core_stop, columns.core_start : columns.core_stop] += 1
    assert (count == 1).all()


@pytest.mark.parametrize(("size", "tile", "halo"), [(0, 4, 1), (4, 0, 1), (4, 4, -1)])
def test_impossible_values_are_refused(size: int, tile: int, halo: int) -> None:
    with pytest.raises(ValueError, match="at least"):
        plan_axis(size, tile, halo)


@pytest.mark.parametrize("golden", json.loads(GOLDEN.read_text())["plans"])
def test_plans_are_the_golden_ones(golden: dict[str, object]) -> None:
    asked = [int(str(golden[key])) for key in ("height", "width", "tile", "halo")]

    plan = plan_tiles(*asked)

    assert [[*tile.rows, *tile.columns] for tile in plan] == golden["tiles"]


def test_auto_leaves_small_pictures_whole() -> None:
    tile = auto_tile(SHIPPED_KIND, 300, 300)
    assert len(plan_tiles(300, 300, tile, SHIPPED_KIND.receptive_radius)) == 1


@given(st.integers(1, 20_000), st.integers(1, 20_000))
def test_auto_bounds_the_memory_of_a_tile(height: int, width: int) -> None:
    halo = SHIPPED_KIND.receptive_radius
    rows, columns = plan_tiles(height, width, auto_tile(SHIPPED_KIND, height, width), halo)[0]

    pixels = rows.length * columns.length
    assert pixels * engine_bytes(SHIPPED_KIND) <= AUTO_TILE_BYTES


@given(
    st.integers(1, 9000),
    st.integers(1, 9000),
    st.integers(1, 2),
    st.booleans(),
    st.sampled_from([64, 256]),
)
@example(176, 639, 2, False, 64)  # 5 tiles for 2 lanes: 6 smaller ones take less
def test_the_automatic_plan_takes_no_more_work_than_square_tiles(
    height: int, width: int, lanes: int, shared: bool, mebibytes: int
) -> None:
    memory = mebibytes * 2**20
    plan = auto_tiles(SHIPPED_KIND, height, width, lanes, shared, memory)

    assert sum(tile.core_pixels for tile in plan) == height * width
    windows = {tile.window_pixels for tile in plan}
    assert len(windows) == 1
    window = windows.pop()
    halo = SHIPPED_KIND.receptive_radius
    share = memory // lanes if shared or len(plan) > 1 else memory
    assert window <= max(share // engine_bytes(SHIPPED_KIND), (4 * halo) ** 2)
    if len(plan) > 1 and width * 3 * SHIPPED_KIND.scale**2 * height <= BAND_VALUES:
        side = auto_tile(SHIPPED_KIND, height, width, memory // lanes)
        square = plan_tiles(height, width, side, halo)
        turn = 1 if shared else lanes
        most = square[0].window_pixels * -(-len(square) // turn) * turn
        assert window * -(-len(plan) // turn) * turn <= most


def test_a_long_thin_picture_is_not_cut_needlessly() -> None:
    assert auto_tile(SHIPPED_KIND, 60_000, 1) == 60_000


def test_a_wide_network_gets_smaller_tiles_and_a_lower_limit() -> None:
    paper = SplitSRSpec()
    assert auto_tile(paper, 4000, 4000) < auto_tile(SHIPPED_KIND, 4000, 4000)
    assert whole_image_pixels(paper) < whole_image_pixels(SHIPPED_KIND)
