"""Axes have round limits and ticks, and labels of a few signs."""

from math import inf, isfinite, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuilab.ui.plot import axes

sizes = st.floats(-1e300, 1e300)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"), (0.041234, "0.0412"), (1.0, "1"), (999.4, "999"), (999.9, "1k"),
        (1234, "1.23k"), (3e6, "3M"), (2.5e-4, "2.5e-4"), (-1500, "-1.5k"), (1e21, "1e21"),
        (1.797e308, "1.8e308"), (nan, "NaN"), (inf, "inf"), (-inf, "-inf"),
    ],
)  # fmt: skip
def test_numbers_are_short(value: float, text: str) -> None:
    assert axes.short(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(12345.0, "12 345"), (0.0412345678, "0.0412346"), (0.0, "0"), (nan, "NaN")]
)
def test_numbers_to_read_off_are_exact(value: float, text: str) -> None:
    assert axes.exact(value) == text


def test_ticks_are_round() -> None:
    assert axes.ticks(0, 1, 3) == [(0, "0"), (0.5, "0.5"), (1, "1.0")]
    assert [label for _, label in axes.ticks(0, 3000, 6)] == [
        "0",
        "500",
        "1k",
        "1.5k",
        "2k",
        "2.5k",
        "3k",
    ]
    assert [label for _, label in axes.ticks(0, 4, 20, whole=True)] == ["0", "1", "2", "3", "4"]


def test_ticks_of_a_logarithmic_axis_are_powers_of_ten() -> None:
    assert axes.log_ticks(-4, 0, 5) == [
        (-4, "1e-4"),
        (-3, "0.001"),
        (-2, "0.01"),
        (-1, "0.1"),
        (0, "1"),
    ]
    assert [label for _, label in axes.log_ticks(-1, 0, 5)] == ["0.1", "0.3", "1"]


def test_limits_hardly_move_while_a_curve_grows() -> None:
    assert axes.limits(0, 1003, 6) == axes.limits(0, 1019, 6)


@given(sizes, sizes, st.integers(1, 30))
def test_limits_hold_what_they_are_made_for(first: float, second: float, count: int) -> None:
    low, high = sorted((first, second))

    left, right = axes.limits(low, high, count)

    assert left < right
    assert isfinite(right - left)
    slack = (right - left) * 1e-3
    assert left - slack <= low <= high <= right + slack


@given(sizes, sizes, st.integers(1, 30))
def test_there_are_never_many_ticks(first: float, second: float, count: int) -> None:
    left, right = axes.limits(min(first, second), max(first, second), count)

    found = axes.ticks(left, right, count)

    assert len(found) <= 2 * count + 2
    assert all(label for _, label in found)


@given(st.floats(1e-300, 1e300), st.floats(1e-300, 1e300), st.integers(1, 30))
def test_logarithmic_ticks_lie_within_their_limits(first: float, second: float, count: int) -> None:
    low, high = axes.log_limits(min(first, second), max(first, second))

    found = axes.log_ticks(low, high, count)

    assert low < high
    assert all(low - 1e-6 <= place <= high + 1e-6 for place, _ in found)
    assert len(found) <= count + 12
