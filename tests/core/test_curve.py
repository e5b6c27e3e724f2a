"""Predicted curves: interpolated between bends, resampled from a run, scored."""

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuilab.core.lessons.curve import KNOTS, interpolate_curve, resample_series, score_curve
from tuilab.core.run.series import Series


def series(*points: tuple[float, float]) -> Series:
    result = Series()
    for x, y in points:
        result.append(x, y)
    return result


bends = st.dictionaries(st.integers(0, KNOTS - 1), st.floats(-5, 5), min_size=1)


@given(bends)
def test_a_curve_goes_through_its_bends_and_no_farther_than_they_do(
    bends: dict[int, float],
) -> None:
    heights = interpolate_curve(bends)
    assert all(heights[knot] == pytest.approx(height, abs=1e-9) for knot, height in bends.items())
    assert min(bends.values()) - 1e-9 <= min(heights) <= max(heights) <= max(bends.values()) + 1e-9


def test_a_curve_is_straight_between_two_bends_and_level_after_the_last() -> None:
    heights = interpolate_curve({0: 0.0, 16: 16.0})
    assert heights[:17] == [float(knot) for knot in range(17)]
    assert set(heights[17:]) == {16.0}


def test_a_run_is_read_at_the_knots_by_the_mean_around_each() -> None:
    straight = series(*((float(x), x / 320) for x in range(321)))
    heights = resample_series(straight, 320, 0, 1)
    assert heights[1:-1] == pytest.approx([knot / 32 for knot in range(1, 32)], abs=0.005)


def test_the_future_is_unknown_and_sparse_points_are_joined_by_lines() -> None:
    heights = resample_series(series((0, 0.0), (160, 1.0)), 320, 0, 1)
    assert heights[:17] == pytest.approx([knot / 16 for knot in range(17)])
    assert heights[18:] == [None] * 15
    assert resample_series(Series(), 320, 0, 1) == [None] * KNOTS


@pytest.mark.parametrize(
    ("value", "clamped"), [(7.0, 1.0), (-7.0, 0.0), (nan, 1.0), (inf, 1.0), (-inf, 0.0)]
)
def test_values_out_of_range_are_clamped(value: float, clamped: float) -> None:
    assert resample_series(series((0, value), (32, value)), 32, 0, 1) == [clamped] * KNOTS


def test_the_score_is_one_within_the_tolerance_and_zero_half_the_range_off() -> None:
    flat = [0.5] * KNOTS
    assert score_curve(flat, [0.55] * KNOTS, 0, 1, 0.1) == 1.0
    assert score_curve(flat, [0.75] * KNOTS, 0, 1, 0.1) == pytest.approx(0.5)
    assert score_curve(flat, [1.0] * KNOTS, 0, 1, 0.1) == 0.0
    assert score_curve(flat, [None] * KNOTS, 0, 1, 0.1) == 0.0


@given(bends, bends, st.floats(0, 0.3))
def test_the_score_is_a_share_and_symmetric(
    one: dict[int, float], other: dict[int, float], tolerance: float
) -> None:
    a, b = interpolate_curve(one), interpolate_curve(other)
    near = score_curve(a, b, -5, 5, tolerance)
    assert 0 <= near <= 1
    assert near == score_curve(b, a, -5, 5, tolerance)
    assert score_curve(a, a, -5, 5, 0) == 1
