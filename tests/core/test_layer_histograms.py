"""Histograms over time: what is kept of them, in bounded memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuilab.core.protocol.inspect.histograms import BINS, Histories, merged, rebinned
from tuilab.core.protocol.inspect.layer_messages import HistogramRow


def row(step: int, low: float = 0.0, high: float = 1.0) -> HistogramRow:
    """All numbers are spread evenly from low to high."""
    return HistogramRow(step, step, low, high, [1 / BINS] * BINS)


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=9), st.floats(-5, 5), st.floats(0.1, 9),
    st.integers(1, 30),
)  # fmt: skip
def test_nothing_is_lost_in_other_bins_of_a_wider_range(
    shares: list[float], low: float, width: float, bins: int
) -> None:
    narrow = HistogramRow(1, 1, low, low + width, shares)
    assert sum(rebinned(narrow, low - 1, low + width + 2, bins)) == pytest.approx(sum(shares))


def test_two_rows_become_their_mean_over_both_ranges() -> None:
    both = merged(row(1, 0.0, 1.0), row(4, 1.0, 2.0))

    assert (both.step, both.last, both.low, both.high) == (1, 4, 0.0, 2.0)
    assert both.shares == pytest.approx([1 / BINS] * BINS)


def test_a_history_stays_bounded_and_keeps_its_ends() -> None:
    subject = Histories(10)
    for step in range(1, 1001):
        subject.see("weights", row(step))
        rows = subject.rows("weights")
        assert len(rows) <= 10
        assert (rows[0].step, rows[-1].last) == (1, step)
    assert all(sum(each.shares) == pytest.approx(1.0) for each in rows)
    assert subject.rows("gradients") == []


def test_a_look_at_the_same_step_or_after_a_rewind_replaces_what_was() -> None:
    subject = Histories()
    for step in (1, 2, 3, 3, 2):
        subject.see("weights", row(step, high=step))
    assert [(each.step, each.high) for each in subject.rows("weights")] == [(1, 1), (2, 2)]
