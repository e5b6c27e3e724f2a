"""Histograms over time take bounded memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuilab.core.protocol.inspect.histograms import BINS, HistogramHistories, merge_rows, rebin
from tuilab.core.protocol.inspect.layer_messages import HistogramRow


def row(step: int, low: float = 0.0, high: float = 1.0) -> HistogramRow:
    """Numbers evenly distributed from low to high."""
    return HistogramRow(step, step, low, high, [1 / BINS] * BINS)


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=9), st.floats(-5, 5), st.floats(0.1, 9),
    st.integers(1, 30),
)  # fmt: skip
def test_other_bins_of_a_wider_range_have_the_same_total(
    fractions: list[float], low: float, width: float, bins: int
) -> None:
    narrow = HistogramRow(1, 1, low, low + width, fractions)
    assert sum(rebin(narrow, low - 1, low + width + 2, bins)) == pytest.approx(sum(fractions))


def test_merging_two_rows_gives_their_mean_over_both_ranges() -> None:
    both = merge_rows(row(1, 0.0, 1.0), row(4, 1.0, 2.0))

    assert (both.step, both.last_step, both.low, both.high) == (1, 4, 0.0, 2.0)
    assert both.fractions == pytest.approx([1 / BINS] * BINS)


def test_a_history_stays_bounded_and_keeps_its_ends() -> None:
    histories = HistogramHistories(10)
    for step in range(1, 1001):
        histories.add("weights", row(step))
        rows = histories.rows("weights")
        assert len(rows) <= 10
        assert (rows[0].step, rows[-1].last_step) == (1, step)
    assert all(sum(other.fractions) == pytest.approx(1.0) for other in rows)
    assert histories.rows("gradients") == []


def test_a_row_of_the_same_or_an_earlier_step_replaces_those_after_it() -> None:
    histories = HistogramHistories()
    for step in (1, 2, 3, 3, 2):
        histories.add("weights", row(step, high=step))
    assert [(other.step, other.high) for other in histories.rows("weights")] == [(1, 1), (2, 2)]
