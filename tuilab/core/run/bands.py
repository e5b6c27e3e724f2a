"""A band over several runs: how one series differs between them, step by step."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from math import floor, isfinite

from msgspec import Struct

from tuilab.core.run.series import Point, Series

MAX_GRID = 400
"""Steps at which a band is computed: more than a chart has columns."""


class BandPoint(Struct, frozen=True, array_like=True):
    """The values of all runs at one step."""

    step: float
    median: float
    low: float
    "The lowest value."
    high: float
    "The highest value."
    lower_quartile: float
    upper_quartile: float
    n: int
    "Runs that have a finite value there."


Band = list[BandPoint]


def compute_bands(runs: Sequence[Mapping[str, Series]], names: Iterable[str]) -> dict[str, Band]:
    """Returns the band of each of these series over the runs that have it."""
    bands = {}
    for name in names:
        histories = [run[name].points() for run in runs if name in run]
        if band := compute_band(histories):
            bands[name] = band
    return bands


def compute_band(histories: Sequence[Sequence[Point]]) -> Band:
    """Returns the band over histories, on a grid of steps that the longest of them has.

    Between its points a history is a straight line; before its first and after its last point it
    has no value. Where no history has a finite value there is no point.
    """
    curves = [[(x, y) for x, y, *_ in history if isfinite(y)] for history in histories]
    curves = [curve for curve in curves if curve]
    if not curves:
        return []
    longest = max(curves, key=lambda curve: (curve[-1][0], len(curve)))
    exact = [dict(curve) for curve in curves]
    band = []
    for step in _thin([x for x, _ in longest]):
        values = [values.get(step) for values in exact]
        if None in values:
            values = [_value_at(curve, step) for curve in curves]
        band.append(_summarize(step, sorted(value for value in values if value is not None)))
    return band


def _summarize(step: float, values: list[float]) -> BandPoint:
    """Returns the point of a band for ordered values."""
    lower, median, upper = (percentile(values, fraction) for fraction in (0.25, 0.5, 0.75))
    return BandPoint(step, median, values[0], values[-1], lower, upper, len(values))


def _thin(steps: list[float]) -> list[float]:
    """Returns evenly chosen steps, with the first and the last, if there are too many."""
    if len(steps) <= MAX_GRID:
        return steps
    last = len(steps) - 1
    return [steps[round(number * last / (MAX_GRID - 1))] for number in range(MAX_GRID)]


def _value_at(curve: Sequence[tuple[float, float]], x: float) -> float | None:
    """Returns the value of a curve at x; None outside of it."""
    index = bisect_left(curve, (x, float("-inf")))
    if index < len(curve) and curve[index][0] == x:
        return curve[index][1]
    if index in (0, len(curve)):
        return None
    (left, before), (right, after) = curve[index - 1], curve[index]
    share = (x - left) / (right - left)
    return before * (1 - share) + after * share


def percentile(ordered: Sequence[float], fraction: float) -> float:
    """Returns a percentile of ordered values, linear between them, as numpy's default is."""
    position = fraction * (len(ordered) - 1)
    index = floor(position)
    share = position - index
    if not share:
        return ordered[index]
    return ordered[index] * (1 - share) + ordered[index + 1] * share
