"""A curve that is predicted by drawing it: its heights from the first step of a run to the last."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from math import isfinite
from operator import itemgetter

from tuilab.core.run.series import Series

KNOTS = 33
"""Places in which a curve has a height; the first is the start of the run, the last its end."""

Heights = Sequence[float | None]
"""One for each knot; None where nothing is known."""


def interpolate_curve(points: Mapping[int, float]) -> list[float]:
    """Returns the curve through some of its knots: straight between them, level outside."""
    bends = sorted((float(knot), height) for knot, height in points.items())
    return [_interpolate(bends, float(knot)) for knot in range(KNOTS)]


def resample_series(series: Series, steps: float, low: float, high: float) -> list[float | None]:
    """Returns the heights of a series so far.

    Args:
        steps: of the whole run; the last knot is there.
        low, high: values outside are clamped to these; NaN becomes the upper one.
    """
    points = [(x, _clamp(y, low, high)) for x, y, _, _ in series.points()]
    spacing = steps / (KNOTS - 1)
    if not points or not spacing:
        return [None] * KNOTS
    return [_average_around(points, knot * spacing, spacing) for knot in range(KNOTS)]


def _average_around(points: list[tuple[float, float]], x: float, spacing: float) -> float | None:
    """Returns the mean of the points nearest to this knot, else the line between points."""
    if x > points[-1][0] + spacing:
        return None
    first = bisect_left(points, x - spacing / 2, key=itemgetter(0))
    last = bisect_left(points, x + spacing / 2, key=itemgetter(0))
    near = [y for _, y in points[first:last]]
    return sum(near) / len(near) if near else _interpolate(points, x)


def _interpolate(points: list[tuple[float, float]], x: float) -> float:
    index = bisect_left(points, x, key=itemgetter(0))
    if index == len(points):
        return points[-1][1]
    (left, low), (right, high) = points[max(0, index - 1)], points[index]
    return high if index == 0 else low + (high - low) * (x - left) / (right - left)


def _clamp(value: float, low: float, high: float) -> float:
    return max(low, min(high, value)) if isfinite(value) or value < 0 else high


def score_curve(
    predicted: Heights, actual: Heights, low: float, high: float, tolerance: float
) -> float:
    """Returns how close a predicted curve came, from 0 to 1.

    Args:
        tolerance: the mean error that counts as none, as a share of the range.
    """
    errors = [
        abs(p - a)
        for p, a in zip(predicted, actual, strict=True)
        if p is not None and a is not None
    ]
    if not errors:
        return 0.0
    error = sum(errors) / len(errors) / (high - low)
    return 1.0 if error <= tolerance else max(0.0, 1 - 2 * error)
