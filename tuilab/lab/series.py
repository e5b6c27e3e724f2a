"""A long history in bounded memory, thinned to a width.

The newest points are kept as they came; the whole past is kept in buckets that hold mean,
lowest and highest value, so that a spike of one step is still seen after ten million.
"""

from math import inf, isfinite

from msgspec import Struct, field

Point = tuple[float, float, float, float]
"""x, mean, lowest, highest"""

RECENT = 2048
"""Points kept as they came."""

BUCKETS = 1024
"""Buckets kept of the whole past, at least; twice as many at most."""


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

    def append(
        self, x: float, y: float, low: float | None = None, high: float | None = None
    ) -> None:
        """Add the value at x, optionally with the lowest and highest it stands for."""
        point = (x, y, y if low is None else low, y if high is None else high)
        self.count += 1
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
        return self.recent[-1] if self.recent else None

    def points(self, start: float = -inf, stop: float = inf) -> list[Point]:
        """The history from start to stop: every point if it is recent, else buckets."""
        if self.count <= len(self.recent) or (self.recent and start >= self.recent[0][0]):
            source = self.recent
        else:
            source = self.buckets + self.pending
        return [point for point in source if start <= point[0] <= stop]

    def at(self, x: float) -> Point | None:
        """The point nearest to x."""
        points = self.points(start=x) or self.points()
        candidates = [*points[:1], *self.points(stop=x)[-1:]]
        return min(candidates, key=lambda point: abs(point[0] - x), default=None)

    def cut(self, stop: float) -> None:
        """Forget what came after stop."""
        self.recent = [point for point in self.recent if point[0] <= stop]
        self.buckets = [point for point in self.buckets if point[0] <= stop]
        self.pending = [point for point in self.pending if point[0] <= stop]
        self.waiting = self.waiting if self.pending else 0
        self.count = min(self.count, len(self.buckets) * self.stride + self.waiting)


def _merged(first: Point, second: Point, many: int, more: int) -> Point:
    """One bucket of two; its x is that of the newer, what is not finite stays visible."""
    mean = (first[1] * many + second[1] * more) / (many + more)
    return (second[0], mean, _least(first[2], second[2]), _most(first[3], second[3]))


def _least(a: float, b: float) -> float:
    return a if a != a else b if b != b else min(a, b)


def _most(a: float, b: float) -> float:
    return a if a != a else b if b != b else max(a, b)


def thin(points: list[Point], columns: int) -> list[tuple[float, float]]:
    """At most about two finite points a column, keeping each column's lowest and highest.

    What is not finite is left out; `gaps` tells where.
    """
    finite = [p for p in points if isfinite(p[0]) and isfinite(p[2]) and isfinite(p[3])]
    if len(finite) <= columns:
        return _spread(finite)
    left, right = finite[0][0], finite[-1][0]
    width = (right - left) / columns or 1.0
    thinned: list[tuple[float, float]] = []
    column: list[Point] = []
    edge = left + width
    for point in finite:
        if point[0] > edge and column:
            thinned.extend(_extremes(column))
            column = []
            edge += width * max(1, int((point[0] - edge) / width) + 1)
        column.append(point)
    return thinned + _extremes(column)


def _spread(points: list[Point]) -> list[tuple[float, float]]:
    spread: list[tuple[float, float]] = []
    for x, y, low, high in points:
        spread.extend([(x, low), (x, high)] if low < high else [(x, y)])
    return spread


def _extremes(column: list[Point]) -> list[tuple[float, float]]:
    """Lowest and highest of a column, in the order in which they came."""
    low = min(column, key=lambda point: point[2])
    high = max(column, key=lambda point: point[3])
    if low[2] == high[3]:
        return [(low[0], low[2])]
    ends = [(low[0], low[2]), (high[0], high[3])]
    return ends if low[0] <= high[0] else ends[::-1]


def gaps(points: list[Point]) -> list[float]:
    """The x of every point that is not finite."""
    return [p[0] for p in points if not (isfinite(p[1]) and isfinite(p[2]) and isfinite(p[3]))]


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
