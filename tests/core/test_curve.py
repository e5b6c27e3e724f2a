"""Curves that are drawn before they are seen: through bends, read off a run, scored."""

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuilab.core.lessons.curve import KNOTS, nearness, through, told
from tuilab.core.run.series import Series


def series(*points: tuple[float, float]) -> Series:
    made = Series()
    for x, y in points:
        made.append(x, y)
    return made


bends = st.dictionaries(st.integers(0, KNOTS - 1), st.floats(-5, 5), min_size=1)


@given(bends)
def test_a_curve_goes_through_its_bends_and_no_farther_than_they_do(
    bends: dict[int, float],
) -> None:
    heights = through(bends)
    assert all(heights[knot] == pytest.approx(height, abs=1e-9) for knot, height in bends.items())
    assert min(bends.values()) - 1e-9 <= min(heights) <= max(heights) <= max(bends.values()) + 1e-9


def test_it_is_straight_between_two_bends_and_level_after_the_last() -> None:
    heights = through({0: 0.0, 16: 16.0})
    assert heights[:17] == [float(knot) for knot in range(17)]
    assert set(heights[17:]) == {16.0}


def test_a_run_is_read_at_the_knots_by_the_mean_around_each() -> None:
    straight = series(*((float(x), x / 320) for x in range(321)))
    found = told(straight, 320, 0, 1)
    assert found[1:-1] == pytest.approx([knot / 32 for knot in range(1, 32)], abs=0.005)


def test_what_has_not_come_is_not_known_and_what_is_rare_is_joined_by_lines() -> None:
    found = told(series((0, 0.0), (160, 1.0)), 320, 0, 1)
    assert found[:17] == pytest.approx([knot / 16 for knot in range(17)])
    assert found[18:] == [None] * 15
    assert told(Series(), 320, 0, 1) == [None] * KNOTS


@pytest.mark.parametrize(
    ("value", "shown"), [(7.0, 1.0), (-7.0, 0.0), (nan, 1.0), (inf, 1.0), (-inf, 0.0)]
)
def test_what_leaves_the_range_is_on_its_edge(value: float, shown: float) -> None:
    assert told(series((0, value), (32, value)), 32, 0, 1) == [shown] * KNOTS


def test_nearness_is_whole_within_the_tolerance_and_none_half_the_range_off() -> None:
    flat = [0.5] * KNOTS
    assert nearness(flat, [0.55] * KNOTS, 0, 1, 0.1) == 1.0
    assert nearness(flat, [0.75] * KNOTS, 0, 1, 0.1) == pytest.approx(0.5)
    assert nearness(flat, [1.0] * KNOTS, 0, 1, 0.1) == 0.0
    assert nearness(flat, [None] * KNOTS, 0, 1, 0.1) == 0.0


@given(bends, bends, st.floats(0, 0.3))
def test_nearness_is_a_share_and_the_same_both_ways(
    one: dict[int, float], other: dict[int, float], tolerance: float
) -> None:
    a, b = through(one), through(other)
    near = nearness(a, b, -5, 5, tolerance)
    assert 0 <= near <= 1
    assert near == nearness(b, a, -5, 5, tolerance)
    assert nearness(a, a, -5, 5, 0) == 1
