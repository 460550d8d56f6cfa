"""The plan: every pixel once, cheap windows, the right route, and what it promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splitsr.dispatch.planner import Halos, Window, difficulty, plan_windows, share_work


def work(windows: list[Window], light_cost: float) -> float:
    return sum(w.pixels * (light_cost if w.light else 1) for w in windows)


def covered(windows: list[Window], size: tuple[int, int]) -> np.ndarray:
    count = np.zeros(size, int)
    for window in windows:
        count[
            window.rows.core_start : window.rows.core_stop,
            window.columns.core_start : window.columns.core_stop,
        ] += 1
    return count


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 150),
    st.integers(1, 150),
    st.integers(4, 40),
    st.integers(0, 9),
    st.floats(0, 0.9),
    st.integers(1, 4),
    st.integers(0, 99),
)
def test_cores_cover_every_pixel_once_with_their_context(
    height: int, width: int, patch: int, halo: int, cost: float, workers: int, seed: int
) -> None:
    grid = (-(-height // patch), -(-width // patch))
    relative = np.random.default_rng(seed).gamma(1, 1, grid)
    windows = plan_windows(relative, (height, width), patch, Halos(halo, halo), cost)
    shared = share_work(windows, Halos(halo, halo), cost, workers)
    for plan in (windows, shared):
        assert (covered(plan, (height, width)) == 1).all()
        for window in plan:
            for span, size in ((window.rows, height), (window.columns, width)):
                assert span.start <= max(span.core_start - halo, 0)
                assert span.stop >= min(span.core_stop + halo, size)
                assert 0 <= span.start < span.stop <= size
    assert work(windows, cost) <= height * width + 1e-6  # that is the heavy network alone


@pytest.mark.parametrize("value", [0.99, 1.01])
def test_without_context_a_patch_goes_by_the_threshold_alone(value: float) -> None:
    relative = np.full((4, 4), 0.1)
    relative[1, 2] = value
    windows = plan_windows(relative, (64, 64), 16, Halos(0, 0), 0.4)
    heavy = [w for w in windows if not w.light]
    assert [(w.rows.core_start, w.columns.core_start) for w in heavy] == (
        [(16, 32)] if value > 1 else []
    )


def test_a_lone_hard_patch_is_worth_its_context_only_if_it_is_hard_enough() -> None:
    shares = []
    for value in (1.05, 4.0):
        relative = np.full((4, 4), 0.1)
        relative[1, 2] = value
        windows = plan_windows(relative, (64, 64), 16, Halos(8, 8), 0.4)
        shares.append(sum(w.core_pixels for w in windows if w.light))
    assert shares[0] == 64 * 64 > shares[1]


def test_windows_of_one_route_are_joined() -> None:
    relative = np.zeros((8, 12))
    relative[:, 5:7] = 9.0  # lies across the middle, where halving cuts
    windows = plan_windows(relative, (128, 192), 16, Halos(2, 2), 0.4)
    heavy = [w for w in windows if not w.light]
    assert len(heavy) == 1
    assert (heavy[0].columns.core_start, heavy[0].columns.core_stop) == (80, 112)


def test_the_plan_is_the_cheapest_of_a_small_grid() -> None:
    """Against all ways to cut a row of four patches, tried one by one."""
    rng = np.random.default_rng(3)
    cost, halo = 0.4, 3
    for _ in range(50):
        relative = rng.gamma(1, 1, (1, 4))
        windows = plan_windows(relative, (16, 64), 16, Halos(halo, halo), cost)

        def price(light: bool, first: int, stop: int, relative: np.ndarray = relative) -> float:
            pixels = 16 * (min(64, stop * 16 + halo) - max(0, first * 16 - halo))
            penalty = 0.6 * 256 * float((relative[0, first:stop] ** 2).sum())
            return cost * pixels + penalty if light else pixels

        def best(first: int, stop: int, price: object = price) -> float:
            options = [min(price(route, first, stop) for route in (True, False))]  # type: ignore[operator]
            if stop - first > 1:
                middle = (first + stop) // 2
                options.append(best(first, middle, price) + best(middle, stop, price))
            return min(options)

        found = sum(
            price(w.light, w.columns.core_start // 16, w.columns.core_stop // 16) for w in windows
        )
        assert found <= best(0, 4) + 1e-6  # joining may make it cheaper still


def test_difficulty_is_total_variation_by_its_mean() -> None:
    lr = np.zeros((3, 8, 8), np.float32)
    lr[:, :, 6] = 10 / 255  # two steps of 10 levels in each row, in the right patches
    found = difficulty(lr, 4)
    variation = np.array([[0, 8 * 10 / 16], [0, 8 * 10 / 16]])
    assert np.allclose(found, variation / variation.mean(), rtol=1e-5)
    assert (difficulty(np.full((3, 5, 5), 0.5, np.float32), 4) == 0).all()


def test_work_is_shared_evenly_enough() -> None:
    windows = plan_windows(np.full((8, 8), 9.0), (128, 128), 16, Halos(2, 2), 0.4)
    assert len(windows) == 1
    shared = share_work(windows, Halos(2, 2), 0.4, 2)
    pixels = [w.pixels for w in shared]
    assert len(shared) == 2
    assert max(pixels) / min(pixels) < 1.1
    assert sum(pixels) < 1.1 * windows[0].pixels
