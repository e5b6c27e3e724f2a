"""The one gate between a history and a drawing: finite, in view, two points a column."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from math import inf, isfinite, log10
from operator import itemgetter

from tuilab.core.run import series
from tuilab.core.run.series import Point, Series
from tuilab.ui.plot import axes
from tuilab.ui.plot.axes import HUGE

TINY = 1e-300
"""Closer to zero than this is zero."""

_at_x = itemgetter(0)


@dataclass(frozen=True, slots=True)
class Trace:
    """One line or cloud of points of a chart."""

    label: str
    points: list[Point] = field(default_factory=list)
    colour: int = 1
    "Which of the chart's colours, from 1."
    sign: str = ""
    "Stands on the line here and there, so that colour is not the only difference."
    is_line: bool = True
    newest: float | None = None
    "The value that the legend shows."
    history: Series | None = None
    "Where the points come from, as many of them as the part that is shown has."


def nearest(points: list[Point], x: float) -> Point | None:
    """The point nearest to x."""
    place = bisect_left(points, x, key=_at_x)
    around = points[max(0, place - 1) : place + 1]
    return min(around, key=lambda point: abs(point[0] - x), default=None)


@dataclass(frozen=True, slots=True)
class View:
    """What part of the plane a chart shows; on a log axis y is a power of ten."""

    left: float
    right: float
    low: float
    high: float
    is_log: bool = False

    def across(self, x: float) -> float:
        """Where x lies between left (0) and right (1)."""
        return _part(x, self.left, self.right)

    def up(self, y: float) -> float:
        """Where a value lies between low (0) and high (1)."""
        return _part(log10(max(y, TINY)) if self.is_log else y, self.low, self.high)


def _part(value: float, first: float, last: float) -> float:
    return min(1.0, max(0.0, (value - first) / (last - first)))


@dataclass(frozen=True, slots=True)
class Passed:
    """A trace as it came through the gate."""

    trace: Trace
    points: list[Point]
    "Smoothed; all finite, and positive on a log axis."
    gaps: list[float]
    left_out: int = 0
    "Values that a log axis cannot show."

    def pieces(self, view: View, columns: int) -> Iterable[list[tuple[float, float]]]:
        """Two points a column at most, as parts of the view (0 to 1), broken where a gap is."""
        thinned = series.extremes(self.points, columns, view.left, view.right)
        start = 0
        for gap in [*self.gaps, inf]:
            stop = bisect_left(thinned, gap, start, key=_at_x)
            if stop > start:
                placed = [(view.across(x), view.up(_clamped(y))) for x, y in thinned[start:stop]]
                yield _shortened(placed, columns) if self.trace.is_line else placed
            start = stop


def _shortened(line: list[tuple[float, float]], columns: int) -> list[tuple[float, float]]:
    """The same line with each column entered at its nearer end: half as long where it is noisy.

    Drawing costs time by the length of the line; within a column the order is not seen.
    """
    for i in range(1, len(line) - 1):
        (x, y), (next_x, next_y) = line[i], line[i + 1]
        before = line[i - 1][1]
        if int(x * columns) == int(next_x * columns) and abs(next_y - before) < abs(y - before):
            line[i], line[i + 1] = (x, next_y), (next_x, y)
    return line


def window(traces: Sequence[Trace], last: float | None) -> list[Trace]:
    """The traces with their points, from `last` steps before the newest one on."""
    start = -HUGE if last is None else max(map(_newest, traces), default=0.0) - last
    return [replace(trace, points=_points(trace, start)) for trace in traces]


def _newest(trace: Trace) -> float:
    newest = trace.history.last if trace.history else trace.points[-1] if trace.points else None
    return newest[0] if newest else -HUGE


def _points(trace: Trace, start: float) -> list[Point]:
    if trace.history is not None:
        return trace.history.points(start, HUGE)
    return _between(trace.points, start, HUGE)


def _between(points: list[Point], start: float, stop: float) -> list[Point]:
    first = bisect_left(points, start, key=_at_x)
    return points[first : bisect_right(points, stop, key=_at_x)]


def passed(trace: Trace, smoothing: float, is_log: bool) -> Passed:
    """Let a trace through the gate."""
    finite, gaps = trace.points, []
    if trace.history is None or not trace.history.is_finite:
        finite, gaps = series.finite_points(trace.points), series.gaps(trace.points)
    points = series.smooth(finite, smoothing) if trace.is_line else finite
    if not is_log:
        return Passed(trace, points, gaps)
    positive = [
        (x, y, low if low > 0 else y, high if high > 0 else y)
        for x, y, low, high in points
        if y > 0
    ]
    return Passed(trace, positive, gaps, len(points) - len(positive))


def _clamped(value: float) -> float:
    return 0.0 if abs(value) < TINY else max(-HUGE, min(HUGE, value))


def view_of(
    parts: Sequence[Passed], guides: Iterable[float], is_log: bool, counts: tuple[int, int]
) -> View:
    """Round limits around all that is to be seen.

    Args:
        guides: values that stay in view as well.
        counts: how many ticks each axis has room for.
    """
    filled = [part.points for part in parts if part.points]
    xs = [points[end][0] for points in filled for end in (0, -1)]
    xs += [gap for part in parts for gap in (part.gaps[:1] + part.gaps[-1:]) if isfinite(gap)]
    left, right = axes.limits(min(xs, default=0.0), max(xs, default=1.0), counts[0])
    ys = [*guides, *(min(points, key=itemgetter(2))[2] for points in filled)]
    ys += [max(points, key=itemgetter(3))[3] for points in filled]
    low, high = min(ys, default=0.1), max(ys, default=1.0)
    if not is_log:
        return View(left, right, *axes.limits(_clamped(low), _clamped(high), counts[1]))
    bottom, top = axes.log_limits(max(low, TINY), max(high, TINY))
    return View(left, right, bottom, top, is_log)
