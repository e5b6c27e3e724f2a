"""Histograms over time in bounded memory, and how one is read in other bins."""

from tuilab.core.protocol.inspect.layer_messages import HistogramRow

BINS = 48

MOST = 200
"""Rows that are kept of each; when there are more, every two become one."""


def rebinned(row: HistogramRow, low: float, high: float, bins: int) -> list[float]:
    """The shares of a row in other bins; what lies outside of them is left out.

    >>> rebinned(HistogramRow(1, 1, 0.0, 2.0, [0.5, 0.5]), 0.0, 4.0, 2)
    [1.0, 0.0]
    """
    found = [0.0] * bins
    width = (row.high - row.low) / len(row.shares)
    each = (high - low) / bins
    if width <= 0 or each <= 0:
        return found
    for place, share in enumerate(row.shares):
        if not share:
            continue
        left = (row.low + place * width - low) / each
        right = left + width / each
        for bin_ in range(max(0, int(left)), min(bins, int(right) + 1)):
            overlap = min(right, bin_ + 1) - max(left, bin_)
            if overlap > 0:
                found[bin_] += share * overlap / (right - left)
    return found


def merged(one: HistogramRow, other: HistogramRow) -> HistogramRow:
    """The mean of two rows that follow one another."""
    low, high = min(one.low, other.low), max(one.high, other.high)
    both = zip(*(rebinned(row, low, high, BINS) for row in (one, other)), strict=True)
    shares = [(a + b) / 2 for a, b in both]
    return HistogramRow(one.step, other.last, low, high, shares)


class Histories:
    """The histograms of each layer that was looked at, by any name."""

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self._rows: dict[object, list[HistogramRow]] = {}

    def see(self, name: object, row: HistogramRow) -> None:
        """Take a histogram up, in place of the one of the same step."""
        rows = self._rows.setdefault(name, [])
        while rows and rows[-1].last >= row.step:  # looked at again, or the run was rewound
            rows.pop()
        rows.append(row)
        if len(rows) > self.most:
            pairs = zip(rows[::2], rows[1::2], strict=False)
            rest = rows[-1:] if len(rows) % 2 else []
            self._rows[name] = [merged(*pair) for pair in pairs] + rest

    def rows(self, name: object) -> list[HistogramRow]:
        """What was seen, the newest last."""
        return self._rows.get(name, [])
