"""A lesson as its file declares it: its start, and what is to be reached, guessed and answered."""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from tuilab.core.experiment.experiment import Experiment, with_value
from tuilab.core.lessons.question import AnyQuestion


class Part(Struct, frozen=True, forbid_unknown_fields=True):
    """A table of a lesson file."""


class Condition(Part, frozen=True, kw_only=True):
    """A bound on one quantity of the learner's run; see `quantities` for what can be named."""

    of: str
    at_least: float | None = None
    at_most: float | None = None
    equals: str | float | bool | None = None


class Change(Part, frozen=True, kw_only=True):
    """Knobs that are set, before the run or while it goes on."""

    set: dict[str, Any] = {}
    'Values by key, such as `"optimizer.lr" = 0.1` or `network = [...]`.'
    at: int = 0
    "The step at which they change; 0: before the run begins."


def applied(experiment: Experiment, changes: Iterable[Change]) -> Experiment:
    """The experiment after these changes."""
    for change in changes:
        for key, value in change.set.items():
            experiment = with_value(experiment, key, value)
    return experiment


class Goal(Part, frozen=True, kw_only=True):
    """Something to reach in a run of one's own."""

    name: str
    title: str
    all: tuple[Condition, ...]
    "They must hold at the same moment."
    may_change: tuple[str, ...] = ()
    "Knobs or sections that may differ from the start; empty: all of them."
    golf: str = ""
    "A quantity of which the least is kept as the score, such as `parameters` or `steps`."
    hints: tuple[str, ...] = ()
    "Three, each telling more than the one before."
    solution: tuple[Change, ...] = ()
    why: str = ""
    "What there is to see in it once it is reached."


class Outcome(Part, frozen=True, kw_only=True):
    """One of the answers of a prediction, and when the run proves it right."""

    text: str
    when: tuple[Condition, ...] = ()
    "Empty: it is right where none before it is."
    why: str = ""


class Prediction(Part, frozen=True, kw_only=True):
    """A bet on what a run will do: a choice, a number, or a curve."""

    name: str
    text: str
    set: dict[str, Any] = {}
    "What is changed in the start for the run that decides."
    steps: int = 0
    "After so many steps it is decided; 0: at the end."
    choices: tuple[Outcome, ...] = ()
    number: str = ""
    "The quantity to be guessed."
    unit: str = ""
    tolerance: float = 0.1
    "How far off a number may be and count as right, as a share of the true one."
    curve: str = ""
    "The series to be drawn before it is seen, such as `loss/train`."
    low: float = 0.0
    high: float = 1.0
    "The range in which the curve is drawn."
    why: str = ""
    "What there is to learn from the outcome."

    def trial(self, start: Experiment) -> Experiment:
        """The experiment that decides it, in a lesson that starts so."""
        return applied(start, (Change(set=self.set),))


class Exercise(Part, frozen=True, kw_only=True):
    """A piece of code to write; the lab has its stub, its tests and its messages by this name."""

    name: str


class Lesson(Part, frozen=True, kw_only=True):
    """One lesson; its prose stands in `lesson.md` beside the file."""

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
