"""A curve that is drawn before it is seen: its heights from the first step of a run to the last."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from math import isfinite
from operator import itemgetter

from tuilab.core.run.series import Series

KNOTS = 33
"""Places in which a curve has a height; the first is the start of the run, the last its end."""

Heights = Sequence[float | None]
"""One for each knot; None where nothing is known."""


def through(points: Mapping[int, float]) -> list[float]:
    """The curve through some of its knots: straight between them, level outside of them."""
    known = sorted((float(knot), height) for knot, height in points.items())
    return [_between(known, float(knot)) for knot in range(KNOTS)]


def told(series: Series, steps: float, low: float, high: float) -> list[float | None]:
    """What a run has told of a series by now.

    Args:
        steps: of the whole run; the last knot stands there.
        low, high: what lies outside is put on the edge; what is not a number, on the upper one.
    """
    points = [(x, _within(y, low, high)) for x, y, _, _ in series.points()]
    apart = steps / (KNOTS - 1)
    if not points or not apart:
        return [None] * KNOTS
    return [_around(points, knot * apart, apart) for knot in range(KNOTS)]


def _around(points: list[tuple[float, float]], x: float, apart: float) -> float | None:
    """The mean of what lies nearer to this knot than to another, else the line between points."""
    if x > points[-1][0] + apart:
        return None
    first = bisect_left(points, x - apart / 2, key=itemgetter(0))
    last = bisect_left(points, x + apart / 2, key=itemgetter(0))
    near = [y for _, y in points[first:last]]
    return sum(near) / len(near) if near else _between(points, x)


def _between(points: list[tuple[float, float]], x: float) -> float:
    place = bisect_left(points, x, key=itemgetter(0))
    if place == len(points):
        return points[-1][1]
    (left, low), (right, high) = points[max(0, place - 1)], points[place]
    return high if place == 0 else low + (high - low) * (x - left) / (right - left)


def _within(value: float, low: float, high: float) -> float:
    return max(low, min(high, value)) if isfinite(value) or value < 0 else high


def nearness(said: Heights, true: Heights, low: float, high: float, tolerance: float) -> float:
    """How near a drawn curve came, from 0 to 1.

    Args:
        tolerance: how far off it may be on average and count as right, as a share of the range.
    """
    both = [(s, t) for s, t in zip(said, true, strict=True) if s is not None and t is not None]
    if not both:
        return 0.0
    off = sum(abs(s - t) for s, t in both) / len(both) / (high - low)
    return 1.0 if off <= tolerance else max(0.0, 1 - 2 * off)
