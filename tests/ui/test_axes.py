"""Axes have round limits and ticks, and short labels."""

from math import isfinite, log10

from hypothesis import given
from hypothesis import strategies as st

from tuilab.ui.plot import axes

sizes = st.floats(-1e300, 1e300)


def test_ticks_are_round() -> None:
    assert axes.place_linear_ticks(0, 1, 3) == [(0, "0"), (0.5, "0.5"), (1, "1.0")]
    assert [label for _, label in axes.place_linear_ticks(0, 3000, 6)] == [
        "0",
        "500",
        "1k",
        "1.5k",
        "2k",
        "2.5k",
        "3k",
    ]
    assert [label for _, label in axes.place_linear_ticks(0, 4, 20, is_integer=True)] == [
        "0",
        "1",
        "2",
        "3",
        "4",
    ]


def test_ticks_of_a_logarithmic_axis_are_powers_of_ten() -> None:
    assert axes.place_log_ticks(-4, 0, 5) == [
        (1e-4, "1e-4"),
        (1e-3, "0.001"),
        (1e-2, "0.01"),
        (1e-1, "0.1"),
        (1.0, "1"),
    ]
    assert [label for _, label in axes.place_log_ticks(-1, 0, 5)] == ["0.1", "0.3", "1"]


def test_limits_hardly_change_while_a_curve_grows() -> None:
    assert axes.fit_linear_limits(0, 1003, 6) == axes.fit_linear_limits(0, 1019, 6)


@given(sizes, sizes, st.integers(1, 30))
def test_limits_contain_the_values(first: float, second: float, count: int) -> None:
    low, high = sorted((first, second))

    left, right = axes.fit_linear_limits(low, high, count)

    assert left < right
    assert isfinite(right - left)
    slack = (right - left) * 1e-3
    assert left - slack <= low <= high <= right + slack


@given(sizes, sizes, st.integers(1, 30))
def test_there_are_never_many_ticks(first: float, second: float, count: int) -> None:
    left, right = axes.fit_linear_limits(min(first, second), max(first, second), count)

    ticks = axes.place_linear_ticks(left, right, count)

    assert len(ticks) <= 2 * count + 2
    assert all(label for _, label in ticks)


@given(st.floats(1e-300, 1e300), st.floats(1e-300, 1e300), st.integers(1, 30))
def test_logarithmic_ticks_lie_within_their_limits(first: float, second: float, count: int) -> None:
    low, high = axes.fit_log_limits(min(first, second), max(first, second))

    ticks = axes.place_log_ticks(low, high, count)

    assert low < high
    assert all(low - 1e-6 <= log10(value) <= high + 1e-6 for value, _ in ticks)
    assert len(ticks) <= count + 12


def test_a_constant_share_stays_within_0_and_1() -> None:
    assert axes.fit_linear_limits(1.0, 1.0, 5) == (0.0, 1.0)
    assert axes.fit_linear_limits(0.68089290, 0.68089300, 5)[0] == 0.0
    assert axes.fit_linear_limits(0.680892, 0.680899, 5)[0] > 0.0
    assert axes.fit_linear_limits(-3.0, -3.0, 5)[1] == 0.0


def test_an_axis_with_room_has_two_ticks_at_least() -> None:
    assert [label for _, label in axes.place_linear_ticks(0.05, 0.95, 4)] == [
        "0.2", "0.4", "0.6", "0.8",
    ]  # fmt: skip
