"""Whether a run has met a goal, decided from the run alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tuilab.core.experiment.experiment import Experiment, is_of_data, iter_changed_keys
from tuilab.core.format import format_value
from tuilab.core.lessons import quantities
from tuilab.core.lessons.describe_quantity import describe_quantity, is_finding
from tuilab.core.lessons.lesson import Condition, Goal, Prediction
from tuilab.core.run.run import Run

ALWAYS_CHANGEABLE = ("title", "seed", "training.device", "training.pace", "training.snapshots")
"""Knobs that may always differ from the start."""


@dataclass(frozen=True, slots=True)
class ConditionStatus:
    """A condition with the current value of its quantity."""

    condition: Condition
    value: Any
    is_met: bool

    @property
    def requirement(self) -> str:
        """The bound in words, such as `validation accuracy ≥ 0.98` and `data set: circle`."""
        condition, name = self.condition, describe_quantity(self.condition.of)
        if is_finding(condition.of):
            is_unwanted = condition.at_most is not None or condition.equals in (0, False)
            return f"{name}: {_describe_found(not is_unwanted)}"
        parts = [
            f"{sign} {format_value(bound)}"
            for sign, bound in (("≥", condition.at_least), ("≤", condition.at_most))
            if bound is not None
        ]
        if condition.equals is not None:
            return f"{name}: {_describe_value(condition.equals)}"
        return f"{name} {' and '.join(parts)}"

    @property
    def current_value(self) -> str:
        """The value as the screen shows it; a dash where the run has none yet."""
        if self.value is None:
            return "–"
        if is_finding(self.condition.of):
            return _describe_found(bool(self.value))
        return _describe_value(self.value)


def _describe_value(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return format_value(float(f"{value:.3g}") if isinstance(value, (int, float)) else value)


def _describe_found(is_found: bool) -> str:
    return "found" if is_found else "not found"


@dataclass(frozen=True, slots=True)
class GoalStatus:
    """How far a run is from a goal."""

    conditions: tuple[ConditionStatus, ...]
    forbidden_changes: tuple[str, ...]
    "Knobs that were changed although the goal keeps them."

    @property
    def readings(self) -> dict[str, str]:
        """The value of each quantity as the screen shows it."""
        return {status.condition.of: status.current_value for status in self.conditions}

    @property
    def is_met(self) -> bool:
        """Whether all conditions hold now."""
        return not self.forbidden_changes and self.has_values

    @property
    def has_values(self) -> bool:
        """Whether all conditions hold, in a run that may not count."""
        return all(status.is_met for status in self.conditions)

    @property
    def objections(self) -> tuple[str, ...]:
        """The changes to name: for a run on other data only where it looks as if it counted."""
        is_elsewhere = any(map(is_of_data, self.forbidden_changes))
        return () if is_elsewhere and not self.has_values else self.forbidden_changes


def check_goal(goal: Goal, run: Run, start: Experiment) -> GoalStatus:
    """Returns how far a run is from a goal.

    A metric has no value for the goal where it was measured on other data than the goal names.
    """
    statuses = tuple(check_condition(condition, run) for condition in goal.all)
    if any(is_of_data(status.condition.of) and not status.is_met for status in statuses):
        statuses = tuple(
            ConditionStatus(status.condition, None, False) if "/" in status.condition.of else status
            for status in statuses
        )
    return GoalStatus(statuses, tuple(find_forbidden_changes(goal, run.experiment, start)))


def check_condition(condition: Condition, run: Run) -> ConditionStatus:
    """Returns a condition with its value in a run."""
    value = quantities.read_quantity(condition.of, run)
    return ConditionStatus(condition, value, _holds(condition, value))


def are_met(conditions: tuple[Condition, ...], run: Run) -> bool:
    """Returns whether all of the conditions hold for a run."""
    return all(check_condition(condition, run).is_met for condition in conditions)


def _holds(condition: Condition, value: Any) -> bool:
    if value is None:
        return False
    if condition.equals is not None and value != condition.equals:
        return False
    if condition.at_least is None and condition.at_most is None:
        return True
    if not isinstance(value, (int, float)):
        return False
    if condition.at_least is not None and not value >= condition.at_least:
        return False
    return condition.at_most is None or bool(value <= condition.at_most)


def find_forbidden_changes(
    goal: Goal, experiment: Experiment | None, start: Experiment
) -> Iterator[str]:
    """Yields the knobs that differ from the start although the goal keeps them."""
    if experiment is not None and goal.may_change:
        yield from find_changes(start, experiment, goal.may_change)


def find_changes(
    start: Experiment, experiment: Experiment, may_change: tuple[str, ...] = ()
) -> Iterator[str]:
    """Yields the knobs that differ, but for those that may: keys or sections."""
    allowed = {*may_change, *ALWAYS_CHANGEABLE}
    for key in iter_changed_keys(start, experiment):
        if key not in allowed and key.partition(".")[0] not in allowed:
            yield key


def compute_score(goal: Goal, run: Run) -> float | None:
    """Returns the golf score of a run that has met a goal: less is better."""
    return quantities.read_quantity(goal.golf, run) if goal.golf else None


def describe_score(goal: Goal, score: float) -> str:
    """Returns a golf score with its quantity: `1 step`, `354 parameters`."""
    is_plural = goal.golf.endswith("s") and score != 1
    return f"{format_value(score)} {goal.golf if is_plural else goal.golf.removesuffix('s')}"


def find_correct_choice(prediction: Prediction, run: Run) -> int | None:
    """Returns the choice of a prediction that the run has proven right; None without one."""
    for index, choice in enumerate(prediction.choices):
        if are_met(choice.when, run):
            return index
    return None
