"""A long history in bounded memory, and its downsampling to a width.

The newest points are kept exactly; the whole history is kept in buckets with mean, lowest and
highest value, so that a spike of one step is still visible after ten million steps.
"""

from bisect import bisect_left, bisect_right
from itertools import pairwise
from math import inf, isfinite, log10, nextafter
from operator import itemgetter

from msgspec import Struct, field

Point = tuple[float, float, float, float]
"""x, mean, lowest, highest"""

RECENT_POINTS = 2048
"""Number of points that are kept exactly."""

MIN_BUCKETS = 1024
"""Minimum number of buckets of a long history; the maximum is twice this."""

MIN_COVERING_BUCKETS = 256
"""If fewer buckets than this cover a range, its recent points replace them."""

MAX_UNITS = 1e4
"""Distance from which on an earlier point has no weight in an average."""

MAX_EXPONENT = 308.0
"""Largest power of ten that is a number."""

_get_x, _get_mean, _get_low, _get_high = map(itemgetter, range(4))


class Series(Struct):
    """One curve: x increases, y is any float; a point takes the place of those from its x on."""

    recent: list[Point] = field(default_factory=list)
    buckets: list[Point] = field(default_factory=list)
    stride: int = 1
    "Points per bucket."
    pending: list[Point] = field(default_factory=list)
    "The bucket that is being filled: its points merged into one."
    pending_count: int = 0
    count: int = 0
    is_finite: bool = True
    "Whether all points are finite."

    def append(
        self, x: float, y: float, low: float | None = None, high: float | None = None
    ) -> None:
        """Adds the value at x, optionally with the lowest and highest value that it represents."""
        if self.recent and x <= self.recent[-1][0]:  # measured again after a resume
            self.truncate(nextafter(x, -inf))
        point = (x, y, y if low is None else low, y if high is None else high)
        self.count += 1
        self.is_finite = self.is_finite and all(map(isfinite, point))
        self.recent.append(point)
        if len(self.recent) >= 2 * RECENT_POINTS:
            del self.recent[:RECENT_POINTS]
        self._add_to_bucket(point)

    def _add_to_bucket(self, point: Point) -> None:
        if self.pending:
            self.pending[0] = _merge(self.pending[0], point, self.pending_count, 1)
        else:
            self.pending.append(point)
        self.pending_count += 1
        if self.pending_count < self.stride:
            return
        self.buckets.append(self.pending.pop())
        self.pending_count = 0
        if len(self.buckets) >= 2 * MIN_BUCKETS:
            pairs = zip(self.buckets[::2], self.buckets[1::2], strict=True)
            self.buckets = [_merge(first, second, 1, 1) for first, second in pairs]
            self.stride *= 2

    @property
    def last(self) -> Point | None:
        """Returns the newest point."""
        newest = self.recent or self.pending or self.buckets
        return newest[-1] if newest else None

    def points(self, start: float = -inf, stop: float = inf) -> list[Point]:
        """Returns the history from start to stop: exact points if they are kept, else buckets."""
        if self.count <= len(self.recent) or (self.recent and start >= self.recent[0][0]):
            return _select_range(self.recent, start, stop)
        buckets = _select_range(self.buckets + self.pending, start, stop)
        if len(buckets) >= MIN_COVERING_BUCKETS or not self.recent:
            return buckets
        # The bucket in which the recent points begin holds older ones too: it stays in front.
        border = self.recent[0][0]
        older = bisect_left(self.buckets, border, key=_get_x)
        straddling = (self.buckets + self.pending)[older : older + 1]
        seam = [(border, *point[1:]) for point in straddling if point[0] > border]
        return _select_range(self.buckets[:older] + seam + self.recent, start, stop)

    def truncate(self, stop: float) -> None:
        """Drops all points after stop."""
        if self.last is None or self.last[0] <= stop:
            return
        self.recent = _select_range(self.recent, -inf, stop)
        self.buckets = _select_range(self.buckets, -inf, stop)
        self.pending, self.pending_count = [], 0
        self.count = len(self.buckets) * self.stride
        # The dropped buckets also held points before stop: they are filled in again.
        end = self.buckets[-1][0] if self.buckets else -inf
        for point in self.recent[bisect_right(self.recent, end, key=_get_x) :]:
            self.count += 1
            self._add_to_bucket(point)
        remaining = (*self.buckets, *self.pending, *self.recent)
        self.is_finite = all(isfinite(value) for point in remaining for value in point)


def _select_range(points: list[Point], start: float, stop: float) -> list[Point]:
    first = bisect_left(points, start, key=_get_x)
    return points[first : bisect_right(points, stop, key=_get_x)]


def _merge(first: Point, second: Point, first_count: int, second_count: int) -> Point:
    """Merges two buckets; x is that of the second, NaN stays NaN."""
    weight = second_count / (first_count + second_count)
    mean = first[1] * (1 - weight) + second[1] * weight
    return (second[0], mean, _min_or_nan(first[2], second[2]), _max_or_nan(first[3], second[3]))


def _min_or_nan(a: float, b: float) -> float:
    return a if a != a else b if b != b else min(a, b)


def _max_or_nan(a: float, b: float) -> float:
    return a if a != a else b if b != b else max(a, b)


def downsample(
    points: list[Point], columns: int, left: float | None = None, right: float | None = None
) -> list[Point]:
    """Returns one point for each column that has any: middle, mean, lowest and highest value.

    Args:
        points: all finite.
        left: start of the first column, so that columns do not move while a curve grows.
        right: end of the last column.
    """
    if len(points) <= columns:
        return points
    left = points[0][0] if left is None else left
    right = points[-1][0] if right is None else right
    merged: list[Point] = []
    start = 0
    for column in range(1, columns + 1):
        share = column / columns
        edge = left * (1 - share) + right * share
        stop = bisect_left(points, edge, start, key=_get_x) if column < columns else len(points)
        if stop > start:
            merged.append(_merge_column(points[start:stop]))
            start = stop
    return merged


def _merge_column(column: list[Point]) -> Point:
    if len(column) == 1:
        return column[0]
    mean = sum(map(_get_mean, column)) / len(column)
    low, high = min(map(_get_low, column)), max(map(_get_high, column))
    return (column[0][0] / 2 + column[-1][0] / 2, min(high, max(low, mean)), low, high)


def select_finite(points: list[Point]) -> list[Point]:
    """Returns the points whose values are all finite."""
    return [point for point in points if all(map(isfinite, point))]


def find_gaps(points: list[Point]) -> list[float]:
    """Returns the x of every point that is not finite."""
    return [point[0] for point in points if not all(map(isfinite, point))]


def smooth(
    points: list[Point], weight: float, unit: float = 1.0, is_log: bool = False
) -> list[Point]:
    """Returns an exponential moving average with bias correction; weight 0 changes nothing.

    Points that are measured at uneven steps count by their distance, so that the average reaches
    equally far everywhere: beside a distant point, earlier ones hardly count.

    Args:
        weight: what is left of a point's weight after one `unit` of x.
        is_log: averages the logarithms, as they are seen on a logarithmic axis; all y are positive.
    """
    if not weight:
        return points
    smoothed, mean, mass, last_x = [], 0.0, 0.0, inf
    for point in points:
        y = point[1]
        if isfinite(y):
            value = log10(y) if is_log else y
            mass = mass * weight ** _count_units(point[0] - last_x, unit) + 1
            mean = mean * (1 - 1 / mass) + value / mass
            last_x = point[0]
        if mass:
            y = 10 ** min(mean, MAX_EXPONENT) if is_log else mean
        smoothed.append((point[0], y, y, y))
    return smoothed


def _count_units(distance: float, unit: float) -> float:
    return min(MAX_UNITS, max(0.0, distance) / unit) if unit > 0 else 1.0


def average_groups(values: list[float], count: int) -> list[float]:
    """Returns the means of at most this many groups of neighbors, of values that are finite.

    >>> average_groups([1.0, 3.0, 5.0, 7.0], 2)
    [2.0, 6.0]
    """
    finite = [value for value in values if isfinite(value)]
    total = len(finite)
    if total <= count:
        return finite
    edges = [round(n * total / count) for n in range(count + 1)]
    groups = (finite[start:stop] for start, stop in pairwise(edges))
    return [sum(group) / len(group) for group in groups]
