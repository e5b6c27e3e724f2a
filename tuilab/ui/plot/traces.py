"""The one gate between a history and a drawing: finite, in view, one point a column."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import inf, isfinite, log10
from operator import itemgetter

from tuilab.core.run import series
from tuilab.core.run.series import Point, Series
from tuilab.ui.plot import axes
from tuilab.ui.plot.axes import HUGE

TINY = 1e-300
"""Closer to zero than this is zero."""

_at_x = itemgetter(0)


def to_points(pairs: Iterable[tuple[float, float]]) -> list[Point]:
    """Returns points of which each stands for itself alone."""
    return [(x, y, y, y) for x, y in pairs]


@dataclass(frozen=True, slots=True)
class Trace:
    """One line or cloud of points of a chart."""

    label: str
    points: list[Point] = field(default_factory=list)
    color: int = 1
    "The number of one of the chart's colors, from 1."
    marker: str = ""
    "Drawn on the line at intervals, so that color is not the only difference."
    is_line: bool = True
    latest: float | None = None
    "The value that the legend shows."
    series: Series | None = None
    "Replaces `points` by those that it keeps of the part that is shown."
    short_label: str = ""
    "The label where there is little room; empty for the same."
    is_fine: bool = False
    "A cloud of dots as small as those of a line, drawn over the lines."
    is_band: bool = False
    "The lowest and highest values of its points are those of several runs, and always shaded."


def nearest_point(points: list[Point], x: float) -> Point | None:
    """Returns the point nearest to x."""
    index = bisect_left(points, x, key=_at_x)
    around = points[max(0, index - 1) : index + 1]
    return min(around, key=lambda point: abs(point[0] - x), default=None)


@dataclass(frozen=True, slots=True)
class Limits:
    """The part of the plane that a chart shows; on a log axis y is a power of ten."""

    left: float
    right: float
    low: float
    high: float
    is_log: bool = False

    def has_x(self, x: float) -> bool:
        """Returns whether x is within the limits."""
        return self.left <= x <= self.right

    def x_fraction(self, x: float) -> float:
        """Returns where x lies between left (0) and right (1)."""
        return _fraction(x, self.left, self.right)

    def y_fraction(self, y: float) -> float:
        """Returns where a value lies between low (0) and high (1)."""
        return _fraction(log10(max(y, TINY)) if self.is_log else y, self.low, self.high)


def _fraction(value: float, first: float, last: float) -> float:
    return min(1.0, max(0.0, (value - first) / (last - first)))


@dataclass(frozen=True)
class FilteredTrace:
    """A trace after the gate."""

    source: Trace
    points: list[Point]
    "Smoothed; all finite, and positive on a log axis."
    gaps: list[float]
    "Where values are not finite."
    omitted: int = 0
    "Values that a log axis cannot show."

    @cached_property
    def y_range(self) -> tuple[float, float]:
        """The lowest and the highest value; there is one point at least."""
        points = self.points
        return min(points, key=itemgetter(2))[2], max(points, key=itemgetter(3))[3]

    def find_best(self, is_highest: bool) -> Point | None:
        """Returns the measured point with the highest or lowest value; None without any."""
        return self._extremes[is_highest]

    @cached_property
    def _extremes(self) -> tuple[Point | None, Point | None]:
        """The measured points with the lowest and the highest mean."""
        finite = series.select_finite(self.source.points)
        by_mean = itemgetter(1)
        return min(finite, key=by_mean, default=None), max(finite, key=by_mean, default=None)

    def downsample(self, limits: Limits, columns: int) -> list[Point]:
        """Returns one point a column at most: mean, lowest and highest value."""
        points = series.downsample(self.points, columns, limits.left, limits.right)
        return [(x, *map(_clamp, values)) for x, *values in points]  # type: ignore[misc]

    def segments(self, limits: Limits, columns: int) -> Iterator[list[Point]]:
        """Yields the points of the columns, broken where a gap is."""
        points = self.downsample(limits, columns)
        start = 0
        for gap in [*self.gaps, inf]:
            stop = bisect_left(points, gap, start, key=_at_x)
            if stop > start:
                yield points[start:stop]
            start = stop


def find_start(traces: Sequence[Trace], last_steps: float | None) -> float:
    """Returns the x from which on traces are shown: `last_steps` before the newest point."""
    if last_steps is None:
        return -HUGE
    return max(map(_newest_x, traces), default=0.0) - last_steps


def crop_traces(traces: Sequence[Trace], start: float) -> list[Trace]:
    """Returns the traces with their points from `start` on."""
    return [replace(trace, points=_points_from(trace, start)) for trace in traces]


def _newest_x(trace: Trace) -> float:
    newest = trace.series.last if trace.series else trace.points[-1] if trace.points else None
    return newest[0] if newest else -HUGE


def _points_from(trace: Trace, start: float) -> list[Point]:
    if trace.series is not None:
        return trace.series.points(start, HUGE)
    return [point for point in trace.points if start <= point[0] <= HUGE]


def filter_trace(trace: Trace, smoothing: float, is_log: bool, unit: float = 1.0) -> FilteredTrace:
    """Lets a trace through the gate.

    Args:
        unit: the distance in x after which `smoothing` is what is left of a point's weight.
    """
    finite, gaps = trace.points, []
    if trace.series is None or not trace.series.is_finite:
        finite, gaps = series.select_finite(trace.points), series.find_gaps(trace.points)
    points = finite
    if is_log:
        points = [
            (x, y, low if low > 0 else y, high if high > 0 else y)
            for x, y, low, high in finite
            if y > 0
        ]
    omitted = len(finite) - len(points)
    if trace.is_line:
        points = series.smooth(points, smoothing, unit, is_log)
    return FilteredTrace(trace, points, gaps, omitted)


def _clamp(value: float) -> float:
    return 0.0 if abs(value) < TINY else max(-HUGE, min(HUGE, value))


def fit_limits(
    traces: Sequence[FilteredTrace], guides: Iterable[float], is_log: bool,
    tick_counts: tuple[int, int],
) -> Limits:  # fmt: skip
    """Returns round limits around everything that is shown.

    Args:
        guides: values of y that stay in view as well.
        tick_counts: how many ticks the x axis and the y axis have room for.
    """
    filled = [trace for trace in traces if trace.points]
    xs = [trace.points[end][0] for trace in filled for end in (0, -1)]
    xs += [gap for trace in traces for gap in (trace.gaps[:1] + trace.gaps[-1:]) if isfinite(gap)]
    x_range = min(xs, default=0.0), max(xs, default=1.0)
    left, right = axes.fit_linear_limits(*x_range, tick_counts[0])
    ys = [*guides, *(value for trace in filled for value in trace.y_range)]
    low, high = min(ys, default=0.1), max(ys, default=1.0)
    if not is_log:
        y_limits = axes.fit_linear_limits(_clamp(low), _clamp(high), tick_counts[1])
        return Limits(left, right, *y_limits)
    return Limits(left, right, *axes.fit_log_limits(max(low, TINY), max(high, TINY)), is_log)
