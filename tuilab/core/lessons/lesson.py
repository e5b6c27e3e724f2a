"""A lesson as its file declares it: the start, goals, predictions, questions and exercises."""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from tuilab.core.experiment.experiment import Experiment, with_value
from tuilab.core.lessons.question import AnyQuestion


class LessonTable(Struct, frozen=True, forbid_unknown_fields=True):
    """A table of a lesson file."""


class Condition(LessonTable, frozen=True, kw_only=True):
    """A bound on one quantity of the learner's run; see `quantities` for what can be named."""

    of: str
    at_least: float | None = None
    at_most: float | None = None
    equals: str | float | bool | None = None


class Change(LessonTable, frozen=True, kw_only=True):
    """Knobs that are set, before the run or while it goes on."""

    set: dict[str, Any] = {}
    'Values by key, such as `"optimizer.lr" = 0.1` or `network = [...]`.'
    at: int = 0
    "The step at which they change; 0: before the run begins."


def apply_changes(experiment: Experiment, changes: Iterable[Change]) -> Experiment:
    """Returns the experiment after these changes."""
    for change in changes:
        for key, value in change.set.items():
            experiment = with_value(experiment, key, value)
    return experiment


class Goal(LessonTable, frozen=True, kw_only=True):
    """A result to reach in the learner's own run."""

    name: str
    title: str
    all: tuple[Condition, ...]
    "They must hold at the same moment."
    may_change: tuple[str, ...] = ()
    "Knobs or sections that may differ from the start; empty: all of them."
    golf: str = ""
    "A quantity of which the least is kept as the score, such as `parameters` or `steps`."
    hints: tuple[str, ...] = ()
    "Three, each more specific than the one before."
    solution: tuple[Change, ...] = ()
    why: str = ""
    "Shown once it is reached."


class Outcome(LessonTable, frozen=True, kw_only=True):
    """One of the choices of a prediction, and when the run proves it right."""

    text: str
    when: tuple[Condition, ...] = ()
    "Empty: it is right if no choice before it is."
    why: str = ""


class Prediction(LessonTable, frozen=True, kw_only=True):
    """A prediction of what a run will do: a choice, a number, or a curve."""

    name: str
    text: str
    set: dict[str, Any] = {}
    "Knobs that differ from the start in the run that decides."
    steps: int = 0
    "After this many steps it is decided; 0: at the end."
    choices: tuple[Outcome, ...] = ()
    number: str = ""
    "The quantity to predict."
    unit: str = ""
    tolerance: float = 0.1
    "The error of a number that counts as none, as a share of the true one."
    curve: str = ""
    "The series to predict by drawing, such as `loss/train`."
    low: float = 0.0
    high: float = 1.0
    "The range in which the curve is drawn."
    why: str = ""
    "Shown with the outcome."

    def build_experiment(self, start: Experiment) -> Experiment:
        """Returns the experiment that decides it, in a lesson with this start."""
        return apply_changes(start, (Change(set=self.set),))


class Exercise(LessonTable, frozen=True, kw_only=True):
    """Code to write; its stub, tests and messages are found by this name."""

    name: str


class Lesson(LessonTable, frozen=True, kw_only=True):
    """One lesson; its prose is in `lesson.md` beside the file."""

    format: int
    title: str
    summary: str
    minutes: int
    needs: tuple[str, ...] = ()
    "Names of the lessons that come before."
    hidden: tuple[str, ...] = ()
    "Sections or knobs that are not shown."
    locked: tuple[str, ...] = ()
    "Sections or knobs that are shown and cannot be changed."
    start: Experiment
    goals: tuple[Goal, ...] = ()
    predictions: tuple[Prediction, ...] = ()
    questions: tuple[AnyQuestion, ...] = ()
    exercises: tuple[Exercise, ...] = ()
