"""A series keeps its spikes and its order in bounded memory."""

from math import inf, isfinite, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuilab.core.run.series import (
    MIN_BUCKETS,
    RECENT_POINTS,
    Series,
    downsample,
    find_gaps,
    select_finite,
    smooth,
)

values = st.floats(width=64)


def flat(count: int, spikes: dict[int, float], spacing: int = 1) -> Series:
    """A series of zeros with spikes at some places."""
    series = Series()
    for index in range(count):
        series.append(float(index * spacing), spikes.get(index, 0.0))
    return series


def highest(points: list[tuple[float, float, float, float]]) -> float:
    return max(point[3] for point in points)


def test_a_short_history_is_kept_exactly() -> None:
    series = Series()
    for x, y in ((1, 0.5), (2, 0.25), (4, 0.75)):
        series.append(x, y)

    assert series.points() == [(1, 0.5, 0.5, 0.5), (2, 0.25, 0.25, 0.25), (4, 0.75, 0.75, 0.75)]
    assert series.points(2, 3) == [(2, 0.25, 0.25, 0.25)]
    assert series.last == (4, 0.75, 0.75, 0.75)


def test_spikes_survive_a_hundred_thousand_steps() -> None:
    spikes = {17: 9.0, 50_001: -7.0, 99_990: 5.0}

    points = flat(100_000, spikes).points()

    assert highest(points) == 9.0
    assert min(point[2] for point in points) == -7.0
    assert highest([point for point in points if point[0] > 98_000]) == 5.0


@given(st.integers(1, 40_000), st.data())
def test_a_spike_anywhere_is_seen_and_is_where_it_was(count: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, count - 1))

    series = flat(count, {index: 3.0})

    near = [point for point in series.points() if point[3] == 3.0]
    assert len(near) == 1
    assert 0 <= near[0][0] - index <= series.stride


@pytest.mark.parametrize("count", [1000, 10_000, 300_000])
def test_memory_is_bounded(count: int) -> None:
    series = flat(count, {})

    assert len(series.recent) <= 2 * RECENT_POINTS
    assert len(series.buckets) <= 2 * MIN_BUCKETS
    assert len(series.pending) <= 1
    assert series.count == count
    assert len(series.points()) <= 2 * RECENT_POINTS + 2 * MIN_BUCKETS


@given(st.lists(values, max_size=200), st.integers(0, 9000))
def test_points_come_in_order(ys: list[float], before: int) -> None:
    series = flat(before, {})
    for number, y in enumerate(ys):
        series.append(float(before + number), y)

    xs = [point[0] for point in series.points()]
    assert xs == sorted(xs)


def test_the_last_steps_of_a_long_history_are_kept_point_by_point() -> None:
    series = flat(100_000, {})

    assert len(series.points(start=100_000 - 1000)) == 1000


def test_a_window_that_is_longer_than_the_recent_points_is_still_fine_grained() -> None:
    series = flat(400_000, {395_100: 8.0})

    window = series.points(start=395_000)

    assert len(window) > 2000
    assert highest(window) == 8.0
    assert [point[0] for point in window] == sorted(point[0] for point in window)


def test_the_seam_between_buckets_and_recent_points_loses_nothing() -> None:
    series = flat(400_000, {})
    border = int(series.recent[0][0])
    spiky = flat(400_000, {border - 1: 6.0})

    assert highest(spiky.points(start=border - 3000)) == 6.0


def test_truncating_drops_later_points() -> None:
    series = flat(10_000, {9_500: 4.0, 8_000: 2.0})

    series.truncate(9_000)

    assert series.last == (9_000, 0, 0, 0)
    assert series.points()[-1][0] == 9_000
    assert highest(series.points()) == 2.0


@pytest.mark.parametrize("bad", [nan, inf])
def test_a_series_is_finite_again_without_its_bad_end(bad: float) -> None:
    series = flat(9_500, {9_200: bad})
    assert not series.is_finite

    series.truncate(9_300)
    assert not series.is_finite
    series.truncate(9_000)
    assert series.is_finite


def test_a_truncated_series_continues_like_one_that_ended_there() -> None:
    truncated, straight = flat(9_500, {}), flat(9_001, {})
    truncated.truncate(9_000)
    for series in (truncated, straight):
        for x in range(9_001, 15_000):
            series.append(float(x), float(x))

    assert truncated.buckets == straight.buckets
    assert truncated.count == straight.count
    assert truncated.last == straight.last


@given(st.integers(0, 12_000), st.integers(0, 12_000))
def test_after_truncating_no_point_is_later(count: int, stop: int) -> None:
    series = flat(count, {})

    series.truncate(float(stop))

    assert all(point[0] <= stop for point in series.points())
    assert [point[0] for point in series.points()] == sorted(p[0] for p in series.points())
    assert series.last is None or series.last[0] <= stop


def test_nonfinite_points_stay_visible_in_a_long_history() -> None:
    series = flat(100_000, {50_000: nan, 70_000: inf})

    assert len(find_gaps(series.points())) == 2


@given(st.lists(values, max_size=50))
def test_a_series_knows_whether_all_of_it_is_finite(ys: list[float]) -> None:
    series = Series()
    for x, y in enumerate(ys):
        series.append(float(x), y)

    assert series.is_finite == (not find_gaps(series.points()))


points = st.lists(st.tuples(values, values, values, values), max_size=300)


@given(points, st.integers(1, 40))
def test_downsampling_keeps_at_most_one_point_a_column(
    raw: list[tuple[float, float, float, float]], columns: int
) -> None:
    ordered = sorted(select_finite(raw))

    thinned = downsample(ordered, columns)

    assert len(thinned) <= columns
    assert all(isfinite(value) for point in thinned for value in point)
    assert (len(ordered) > 0) == (len(thinned) > 0)


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=500), st.integers(1, 60))
def test_downsampling_keeps_the_lowest_the_highest_and_the_mean(
    ys: list[float], columns: int
) -> None:
    raw = [(float(x), y, y, y) for x, y in enumerate(ys)]

    thinned = downsample(raw, columns)

    assert min(low for _, _, low, _ in thinned) == min(ys)
    assert max(high for _, _, _, high in thinned) == max(ys)
    assert all(low <= mean <= high for _, mean, low, high in thinned)
    assert [x for x, *_ in thinned] == sorted(x for x, *_ in thinned)


def test_columns_that_are_given_stay_put_while_the_curve_grows() -> None:
    ys = [0.0, 5.0, 1.0, 4.0, 2.0, 3.0, 9.0, 8.0]
    raw = [(float(x), y, y, y) for x, y in enumerate(ys)]

    assert downsample(raw[:6], 2, 0, 8) == [(1.5, 2.5, 0, 5), (4.5, 2.5, 2, 3)]
    assert downsample(raw, 2, 0, 8) == [(1.5, 2.5, 0, 5), (5.5, 5.5, 2, 9)]


def test_smoothing_is_a_bias_corrected_moving_average() -> None:
    raw = [(0.0, 1.0, 0.0, 2.0), (1.0, 3.0, 3.0, 3.0)]

    assert smooth(raw, 0) == raw
    assert [point[1] for point in smooth(raw, 0.5)] == [1.0, pytest.approx(7 / 3)]


@pytest.mark.parametrize(
    "xs, unit, second",
    [
        ((0.0, 1.0), 1.0, 7 / 3),
        ((0.0, 2.0), 1.0, 13 / 5),  # a quarter of the first point's weight is left
        ((0.0, 100.0), 1.0, 3.0),
        ((0.0, 100.0), 100.0, 7 / 3),
    ],
)
def test_a_point_counts_less_the_farther_back_it_is(
    xs: tuple[float, float], unit: float, second: float
) -> None:
    raw = [(x, y, y, y) for x, y in zip(xs, (1.0, 3.0), strict=True)]

    assert smooth(raw, 0.5, unit)[1][1] == pytest.approx(second)


def test_on_a_logarithmic_axis_the_average_is_of_the_logarithms() -> None:
    raw = [(x, y, y, y) for x, y in ((0.0, 1.0), (1.0, 1e-15))]

    assert smooth(raw, 0.5, is_log=True)[1][1] == pytest.approx(1e-10)


@given(st.lists(values, max_size=60), st.sampled_from([0.6, 0.97]), st.floats(0, 1e3))
def test_smoothing_keeps_the_number_of_points(ys: list[float], weight: float, unit: float) -> None:
    raw = [(float(x * x), y, y, y) for x, y in enumerate(ys)]

    assert len(smooth(raw, weight, unit)) == len(raw)


@pytest.mark.parametrize(("count", "start"), [(9, 0), (9, 8), (3000, 2990), (9000, 8000)])
def test_what_is_measured_again_takes_the_place_of_what_was(count: int, start: int) -> None:
    once, again = Series(), Series()
    for step in (*range(count), *range(start, count)):
        again.append(step, 0.5 * step)
    for step in range(count):
        once.append(step, 0.5 * step)

    assert again.points(start) == once.points(start)
    steps = [point[0] for point in again.points()]
    assert steps == sorted(set(steps))
    assert again.count == once.count
