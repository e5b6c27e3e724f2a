"""A long history in bounded memory, thinned to a width.

The newest points are kept as they came; the whole past is kept in buckets that hold mean,
lowest and highest value, so that a spike of one step is still seen after ten million.
"""

from bisect import bisect_left, bisect_right
from math import inf, isfinite
from operator import itemgetter

from msgspec import Struct, field

Point = tuple[float, float, float, float]
"""x, mean, lowest, highest"""

RECENT = 2048
"""Points kept as they came."""

BUCKETS = 1024
"""Buckets kept of the whole past, at least; twice as many at most."""

COARSE = 256
"""Where fewer buckets than this cover a range, the recent points in it come instead."""

_at_x = itemgetter(0)


class Series(Struct):
    """One curve: x grows, y is anything a float can be."""

    recent: list[Point] = field(default_factory=list)
    buckets: list[Point] = field(default_factory=list)
    stride: int = 1
    "Points in a bucket."
    pending: list[Point] = field(default_factory=list)
    "The bucket that is being filled, as at most `stride` points folded into one."
    waiting: int = 0
    count: int = 0
    is_finite: bool = True
    "Nothing that is not finite was ever added."

    def append(
        self, x: float, y: float, low: float | None = None, high: float | None = None
    ) -> None:
        """Add the value at x, optionally with the lowest and highest it stands for."""
        point = (x, y, y if low is None else low, y if high is None else high)
        self.count += 1
        self.is_finite = self.is_finite and all(map(isfinite, point))
        self.recent.append(point)
        if len(self.recent) >= 2 * RECENT:
            del self.recent[:RECENT]
        self._fill(point)

    def _fill(self, point: Point) -> None:
        if self.pending:
            self.pending[0] = _merged(self.pending[0], point, self.waiting, 1)
        else:
            self.pending.append(point)
        self.waiting += 1
        if self.waiting < self.stride:
            return
        self.buckets.append(self.pending.pop())
        self.waiting = 0
        if len(self.buckets) >= 2 * BUCKETS:
            pairs = zip(self.buckets[::2], self.buckets[1::2], strict=True)
            self.buckets = [_merged(first, second, 1, 1) for first, second in pairs]
            self.stride *= 2

    @property
    def last(self) -> Point | None:
        """The newest point."""
        newest = self.recent or self.pending or self.buckets
        return newest[-1] if newest else None

    def points(self, start: float = -inf, stop: float = inf) -> list[Point]:
        """The history from start to stop: every point that is still kept, or buckets."""
        if self.count <= len(self.recent) or (self.recent and start >= self.recent[0][0]):
            return _between(self.recent, start, stop)
        past = _between(self.buckets + self.pending, start, stop)
        if len(past) >= COARSE or not self.recent:
            return past
        # The bucket in which the recent points begin holds older ones too: it stays, before them.
        border = self.recent[0][0]
        older = bisect_left(self.buckets, border, key=_at_x)
        straddling = (self.buckets + self.pending)[older : older + 1]
        seam = [(border, *point[1:]) for point in straddling if point[0] > border]
        return _between(self.buckets[:older] + seam + self.recent, start, stop)

    def cut(self, stop: float) -> None:
        """Forget what came after stop."""
        if self.last is None or self.last[0] <= stop:
            return
        self.recent = _between(self.recent, -inf, stop)
        self.buckets = _between(self.buckets, -inf, stop)
        self.pending, self.waiting = [], 0
        self.count = len(self.buckets) * self.stride
        # What the last buckets held of the time before stop is filled in again.
        filled = self.buckets[-1][0] if self.buckets else -inf
        for point in self.recent[bisect_right(self.recent, filled, key=_at_x) :]:
            self.count += 1
            self._fill(point)


def _between(points: list[Point], start: float, stop: float) -> list[Point]:
    first = bisect_left(points, start, key=_at_x)
    return points[first : bisect_right(points, stop, key=_at_x)]


def _merged(first: Point, second: Point, many: int, more: int) -> Point:
    """One bucket of two; its x is that of the newer, what is not finite stays visible."""
    part = more / (many + more)
    mean = first[1] * (1 - part) + second[1] * part
    return (second[0], mean, _least(first[2], second[2]), _most(first[3], second[3]))


def _least(a: float, b: float) -> float:
    return a if a != a else b if b != b else min(a, b)


def _most(a: float, b: float) -> float:
    return a if a != a else b if b != b else max(a, b)


def extremes(
    finite: list[Point], columns: int, left: float | None = None, right: float | None = None
) -> list[tuple[float, float]]:
    """The lowest and the highest of each column, of points that are all finite.

    Args:
        left: where the first column begins, so that columns stay put while a curve grows.
        right: where the last column ends.
    """
    if len(finite) <= columns:
        return _spread(finite)
    left = finite[0][0] if left is None else left
    right = finite[-1][0] if right is None else right
    thinned: list[tuple[float, float]] = []
    start = 0
    for column in range(1, columns + 1):
        part = column / columns
        edge = left * (1 - part) + right * part
        stop = bisect_left(finite, edge, start, key=_at_x) if column < columns else len(finite)
        if stop > start:
            thinned.extend(_extremes(finite[start:stop]))
            start = stop
    return thinned


def _spread(points: list[Point]) -> list[tuple[float, float]]:
    spread: list[tuple[float, float]] = []
    for x, y, low, high in points:
        spread.extend([(x, low), (x, high)] if low < high else [(x, y)])
    return spread


def _extremes(column: list[Point]) -> list[tuple[float, float]]:
    """Lowest and highest of a column, in the order in which they came."""
    low = min(column, key=itemgetter(2))
    high = max(column, key=itemgetter(3))
    if low[2] == high[3]:
        return [(low[0], low[2])]
    ends = [(low[0], low[2]), (high[0], high[3])]
    return ends if low[0] <= high[0] else ends[::-1]


def finite_points(points: list[Point]) -> list[Point]:
    """The points that are finite in everything."""
    return [
        point
        for point in points
        if isfinite(point[2]) and isfinite(point[3]) and isfinite(point[1]) and isfinite(point[0])
    ]


def gaps(points: list[Point]) -> list[float]:
    """The x of every point that is not finite."""
    return [point[0] for point in points if not all(map(isfinite, point))]


def smooth(points: list[Point], weight: float) -> list[Point]:
    """An exponential moving average, corrected for its start; weight 0 changes nothing."""
    if not weight:
        return points
    smoothed, mean, mass = [], 0.0, 0.0
    for point in points:
        if isfinite(point[1]):
            mean = weight * mean + (1 - weight) * point[1]
            mass = weight * mass + (1 - weight)
        y = mean / mass if mass else point[1]
        smoothed.append((point[0], y, y, y))
    return smoothed
