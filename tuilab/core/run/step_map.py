"""Steps of a run in another unit, so that runs can be aligned by epochs, examples or seconds."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from math import isfinite
from typing import Literal

from tuilab.core.run.run import Run
from tuilab.core.run.series import Point, Series

Unit = Literal["step", "epoch", "examples", "seconds"]

UNITS: tuple[Unit, ...] = ("step", "epoch", "examples", "seconds")
"""What runs can be aligned by."""


class StepMap:
    """A map from steps to a unit that never falls: straight between what was measured.

    After the last measurement it goes on as fast as over the whole run.
    """

    def __init__(self, measured: Iterable[tuple[float, float]]) -> None:
        """Initializes the map, which begins at 0.

        Args:
            measured: steps in increasing order, each with the value that was reached by then.
        """
        self._steps, self._values = [0.0], [0.0]
        for step, value in measured:
            if isfinite(value) and step > self._steps[-1]:
                self._steps.append(step)
                self._values.append(max(self._values[-1], value))

    def at(self, step: float) -> float:
        """Returns the value at a step."""
        steps, values = self._steps, self._values
        index = bisect_left(steps, step)
        if index == len(steps):
            return values[-1] * (step / steps[-1]) if steps[-1] else 0.0
        if steps[index] == step or index == 0:
            return values[index]
        share = (step - steps[index - 1]) / (steps[index] - steps[index - 1])
        return values[index - 1] * (1 - share) + values[index] * share

    def convert(self, points: Sequence[Point]) -> list[Point]:
        """Returns points with the unit in place of their steps; none if nothing was measured."""
        if len(self._steps) == 1:
            return []
        return [(self.at(x), y, low, high) for x, y, low, high in points]


def build_step_map(run: Run, unit: Unit) -> StepMap | None:
    """Returns the map from the steps of a run to a unit; None for steps themselves.

    Examples are epochs times the training examples.
    """
    if unit == "step":
        return None
    series = run.clocks.get("seconds" if unit == "seconds" else "epoch", Series())
    factor = 1.0
    if unit == "examples" and run.started is not None:
        factor = float(run.started.examples.get("train", 1))
    # A bucket has the step of its last point, whose value is the highest one.
    return StepMap((x, high * factor) for x, _, _, high in list_points(series))


def list_points(series: Series) -> list[Point]:
    """Returns the whole history: exact points as far as they are kept, buckets before them."""
    if series.count <= len(series.recent):
        return series.recent
    border = series.recent[0][0] if series.recent else float("inf")
    older = [point for point in (*series.buckets, *series.pending) if point[0] < border]
    return older + series.recent
