from __future__ import annotations

from itertools import pairwise
from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitsr.runtime.scale_plan import Pass, choose_factors, plan_passes


@pytest.mark.parametrize(
    ("scale", "available", "factors"),
    [
        (4, [4], (4,)),
        (1, [4], (4,)),
        (1, [2, 3, 4], (2,)),
        (2.5, [2, 3, 4], (3,)),
        (8, [4], (4, 4)),
        (8, [2, 4], (2, 4)),
        (6, [2, 3, 4], (2, 3)),
        (5, [3], (3, 3)),
        (8, [2], (2, 2, 2)),
        (12, [2, 3, 4], (3, 4)),
        (64, [4], (4, 4, 4)),
        (64, [2], (2,) * 6),
    ],
)
def test_the_nearest_larger_network_or_the_fewest_passes(
    scale: float, available: list[int], factors: tuple[int, ...]
) -> None:
    assert choose_factors(scale, available) == factors


def test_the_second_pass_gets_no_more_than_it_needs() -> None:
    plan = plan_passes(100, 51, 6, [4])

    # 600 and 306 are 4 times 150 and 76.5; what is 4 too large is resized at the end.
    assert plan.passes == (Pass(4, 100, 51), Pass(4, 150, 77))
    assert (plan.height, plan.width) == (600, 306)


@given(
    st.integers(1, 5000),
    st.integers(1, 5000),
    st.floats(1, 64),
    st.sets(st.sampled_from([2, 3, 4]), min_size=1),
)
def test_bicubic_never_enlarges_and_the_size_is_exact(
    height: int, width: int, scale: float, available: set[int]
) -> None:
    plan = plan_passes(height, width, scale, available)

    assert (plan.height, plan.width) == (
        max(1, round(height * scale)),
        max(1, round(width * scale)),
    )
    assert plan.passes[0][1:] == (height, width)
    for before, after in pairwise(plan.passes):
        assert after.height <= before.height * before.scale
        assert after.width <= before.width * before.scale
    last = plan.passes[-1]
    assert last.height * last.scale >= plan.height
    assert last.width * last.scale >= plan.width


@pytest.mark.parametrize("scale", [0.99, 64.01, -1, nan])
def test_a_scale_out_of_range_is_refused(scale: float) -> None:
    with pytest.raises(ValueError, match="must be 1 to 64"):
        plan_passes(10, 10, scale, [4])


def test_networks_that_do_not_enlarge_are_refused() -> None:
    with pytest.raises(ValueError, match="scales of the networks"):
        choose_factors(2, [])
