"""Histograms over time in bounded memory, and their conversion to other bins."""

from collections.abc import Hashable

from tuilab.core.protocol.inspect.layer_messages import HistogramRow

BINS = 48

MAX_ROWS = 200
"""Rows of one history; beyond it, each pair of rows is merged."""


def rebin(row: HistogramRow, low: float, high: float, bins: int) -> list[float]:
    """Returns the fractions of a row in other bins; what lies outside of them is dropped.

    >>> rebin(HistogramRow(1, 1, 0.0, 2.0, [0.5, 0.5]), 0.0, 4.0, 2)
    [1.0, 0.0]
    """
    fractions = [0.0] * bins
    old_width = (row.high - row.low) / len(row.fractions)
    new_width = (high - low) / bins
    if old_width <= 0 or new_width <= 0:
        return fractions
    for index, fraction in enumerate(row.fractions):
        if not fraction:
            continue
        left = (row.low + index * old_width - low) / new_width
        right = left + old_width / new_width
        for bin_ in range(max(0, int(left)), min(bins, int(right) + 1)):
            overlap = min(right, bin_ + 1) - max(left, bin_)
            if overlap > 0:
                fractions[bin_] += fraction * overlap / (right - left)
    return fractions


def merge_rows(first: HistogramRow, second: HistogramRow) -> HistogramRow:
    """Returns the mean of two consecutive rows."""
    low, high = min(first.low, second.low), max(first.high, second.high)
    pairs = zip(*(rebin(row, low, high, BINS) for row in (first, second)), strict=True)
    return HistogramRow(first.step, second.last_step, low, high, [(a + b) / 2 for a, b in pairs])


class HistogramHistories:
    """The histograms of each layer that was inspected."""

    def __init__(self, max_rows: int = MAX_ROWS) -> None:
        self.max_rows = max_rows
        self._rows: dict[Hashable, list[HistogramRow]] = {}

    def add(self, name: Hashable, row: HistogramRow) -> None:
        """Adds a histogram; it replaces the ones of the same and of later steps."""
        rows = self._rows.setdefault(name, [])
        while rows and rows[-1].last_step >= row.step:  # inspected again, or the run was rewound
            rows.pop()
        rows.append(row)
        if len(rows) > self.max_rows:
            pairs = zip(rows[::2], rows[1::2], strict=False)
            rest = rows[-1:] if len(rows) % 2 else []
            self._rows[name] = [merge_rows(*pair) for pair in pairs] + rest

    def rows(self, name: Hashable) -> list[HistogramRow]:
        """Returns the history of a name, the newest row last."""
        return self._rows.get(name, [])
