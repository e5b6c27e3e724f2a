"""Bands over runs, against numpy's percentiles."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuilab.core.run.bands import MAX_GRID, compute_band, compute_bands, percentile
from tuilab.core.run.series import Point, Series

VALUES = st.floats(-1e6, 1e6)


def history(values: list[float], steps: list[float] | None = None) -> list[Point]:
    xs = steps or [float(step) for step in range(1, len(values) + 1)]
    return [(step, y, y, y) for step, y in zip(xs, values, strict=True)]


@given(st.integers(1, 9), st.integers(1, 30), st.data())
def test_a_band_is_made_of_numpys_percentiles(runs: int, steps: int, data: st.DataObject) -> None:
    rows = [data.draw(st.lists(VALUES, min_size=steps, max_size=steps)) for _ in range(runs)]
    band = compute_band([history(row) for row in rows])
    expected = np.percentile(np.array(rows), [0, 25, 50, 75, 100], axis=0)
    assert [point.step for point in band] == list(range(1, steps + 1))
    for point, (low, lower, median, upper, high) in zip(band, expected.T, strict=True):
        ours = (point.low, point.lower_quartile, point.median, point.upper_quartile, point.high)
        assert ours == pytest.approx((low, lower, median, upper, high), rel=1e-9, abs=1e-9)
        assert point.n == runs


@given(st.lists(VALUES, min_size=1, max_size=20), st.floats(0, 1))
def test_a_percentile_is_numpys(values: list[float], fraction: float) -> None:
    expected = np.percentile(values, 100 * fraction)
    assert percentile(sorted(values), fraction) == pytest.approx(expected, rel=1e-9, abs=1e-6)


def test_between_its_points_a_run_is_a_straight_line_as_numpys_interp() -> None:
    steps, values = [1.0, 4.0, 9.0], [3.0, 1.0, 2.0]
    grid = [float(step) for step in range(1, 11)]
    band = compute_band([history([0.0] * 10, grid), history(values, steps)])
    for point in band[:9]:
        assert point.median == pytest.approx(np.interp(point.step, steps, values) / 2)
        assert point.n == 2
    assert band[9].n == 1, "the run that ended earlier has no value any more"


def test_values_that_are_not_finite_are_left_out() -> None:
    nan = float("nan")
    band = compute_band([history([1.0, nan, 3.0]), history([2.0, 4.0, nan])])
    assert [(point.low, point.high, point.n) for point in band] == [(1, 2, 2), (3, 3, 1)]
    assert compute_band([history([nan])]) == [] == compute_band([])


def test_a_long_history_is_thinned_evenly_with_both_ends() -> None:
    band = compute_band([history([float(i) for i in range(5000)])])
    steps = [point.step for point in band]
    assert len(steps) == MAX_GRID and (steps[0], steps[-1]) == (1, 5000)
    gaps = np.diff(steps)
    assert gaps.max() - gaps.min() <= 1


def test_bands_of_runs_that_do_not_all_have_a_series() -> None:
    first, second = Series(), Series()
    first.append(1, 0.5)
    second.append(1, 0.7)
    runs = [{"loss/train": first, "lr": first}, {"loss/train": second}]
    bands = compute_bands(runs, ["loss/train", "lr", "missing/train"])
    assert list(bands) == ["loss/train", "lr"]
    assert bands["loss/train"][0].median == pytest.approx(0.6)
