"""Has this run met the goal? Read off the run alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tuilab.core.experiment.experiment import Experiment, changed_keys
from tuilab.core.format import compact
from tuilab.core.lessons import quantities
from tuilab.core.lessons.lesson import Condition, Goal, Prediction
from tuilab.core.run.run import Run

FREE = ("title", "seed", "training.device")
"""What may always be another than at the start."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A condition with the present value of its quantity."""

    condition: Condition
    value: Any
    is_met: bool

    @property
    def wanted(self) -> str:
        """The bound in words, such as `accuracy/validation ≥ 0.98`."""
        bounds = self.condition
        parts = [
            f"{sign} {compact(bound)}"
            for sign, bound in (("≥", bounds.at_least), ("≤", bounds.at_most))
            if bound is not None
        ]
        if bounds.equals is not None:
            parts.append(f"= {bounds.equals}")
        return f"{bounds.of} {' and '.join(parts)}"

    @property
    def present(self) -> str:
        """The value as it is shown; a dash where the run has none yet."""
        if self.value is None:
            return "–"
        is_number = isinstance(self.value, (int, float)) and not isinstance(self.value, bool)
        return compact(float(f"{self.value:.3g}")) if is_number else str(self.value)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a run is from a goal."""

    readings: tuple[Reading, ...]
    forbidden: tuple[str, ...]
    "Knobs that were changed and must not be."

    @property
    def is_met(self) -> bool:
        """Whether all holds at this moment."""
        return not self.forbidden and all(reading.is_met for reading in self.readings)


def standing(goal: Goal, run: Run, start: Experiment) -> Standing:
    """How far this run is from the goal now."""
    readings = tuple(read(condition, run) for condition in goal.all)
    return Standing(readings, tuple(forbidden(goal, run.experiment, start)))


def read(condition: Condition, run: Run) -> Reading:
    """A condition and what the run says of it."""
    value = quantities.value(condition.of, run)
    return Reading(condition, value, _holds(condition, value))


def holds(conditions: tuple[Condition, ...], run: Run) -> bool:
    """Whether all of them hold for a run as it is."""
    return all(read(condition, run).is_met for condition in conditions)


def _holds(condition: Condition, value: Any) -> bool:
    if value is None:
        return False
    if condition.equals is not None and value != condition.equals:
        return False
    if condition.at_least is not None and not value >= condition.at_least:
        return False
    return condition.at_most is None or bool(value <= condition.at_most)


def forbidden(goal: Goal, experiment: Experiment | None, start: Experiment) -> Iterator[str]:
    """The knobs that differ from the start although the goal keeps them."""
    if experiment is None or not goal.may_change:
        return
    allowed = {*goal.may_change, *FREE}
    for key in changed_keys(start, experiment):
        if key not in allowed and key.partition(".")[0] not in allowed:
            yield key


def score(goal: Goal, run: Run) -> float | None:
    """The golf score of a run that has met a goal: less is better."""
    return quantities.value(goal.golf, run) if goal.golf else None


def outcome(bet: Prediction, run: Run) -> int | None:
    """Which answer of a bet the run has proven right; None where it is none of them."""
    for place, choice in enumerate(bet.choices):
        if holds(choice.when, run):
            return place
    return None
