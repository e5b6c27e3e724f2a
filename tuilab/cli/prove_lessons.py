"""Proof that the goals of a lesson are fair: its start misses them, its solutions meet them.

Every run is trained to its end with several seeds, and measured as in the lab.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from msgspec import Struct, structs

from tuilab.core.experiment.experiment import Experiment, with_value
from tuilab.core.format import format_number
from tuilab.core.lessons import goals, quantities
from tuilab.core.lessons.attempt import Attempt
from tuilab.core.lessons.lesson import Change, Goal, Prediction, apply_changes
from tuilab.core.lessons.library import LoadedLesson
from tuilab.core.protocol.events import AnyEvent, Failed
from tuilab.core.run.run import Run

SEEDS = (0, 1, 2)

MAX_SOLUTION_SECONDS = 90.0


class Proof(Struct, frozen=True):
    """The result for one goal or prediction of a lesson with one seed."""

    lesson: str
    name: str
    seed: int
    kind: str = "goal"
    fails_untouched: bool = True
    "Whether the unchanged start misses the goal."
    is_met: bool = True
    seconds: float = 0.0
    score: float | None = None
    values: dict[str, object] = {}
    "The quantities of the goal when the solution met it, or at the end."
    outcome: str = ""
    "Only of a prediction."

    @property
    def is_good(self) -> bool:
        """Whether the goal is fair."""
        return self.fails_untouched and self.is_met and self.seconds <= MAX_SOLUTION_SECONDS


def prove_lesson(loaded: LoadedLesson, seeds: Sequence[int] = SEEDS) -> Iterator[Proof]:
    """Trains the start and every solution, seed by seed."""
    for seed in seeds:
        start = with_value(loaded.lesson.start, "seed", seed)
        met_untouched = {goal.name for goal in _train(loaded, start, ()).met_goals}
        for goal in loaded.lesson.goals:
            yield _prove_goal(loaded, goal, start, seed, goal.name not in met_untouched)
        for prediction in loaded.lesson.predictions:
            yield _prove_prediction(loaded, prediction, start, seed)


@dataclass(slots=True)
class _Training:
    """A trained run and the goals that it met on the way."""

    run: Run = field(default_factory=Run)
    met_goals: list[Goal] = field(default_factory=list)
    seconds: float = 0.0


def _prove_goal(
    loaded: LoadedLesson, goal: Goal, start: Experiment, seed: int, fails_untouched: bool
) -> Proof:
    training = _train(loaded, start, goal.solution, until=goal)
    run = training.run
    values: dict[str, object] = {
        condition.of: quantities.read_quantity(condition.of, run) for condition in goal.all
    }
    return Proof(
        loaded.name, goal.name, seed, "goal", fails_untouched, goal in training.met_goals,
        round(training.seconds, 2), goals.compute_score(goal, run), values,
    )  # fmt: skip


def _prove_prediction(
    loaded: LoadedLesson, prediction: Prediction, start: Experiment, seed: int
) -> Proof:
    experiment = prediction.build_experiment(start)
    training = _train(loaded, experiment, (), steps=prediction.steps)
    run, outcome = training.run, ""
    if prediction.choices:
        index = goals.find_correct_choice(prediction, run)
        outcome = prediction.choices[index].text if index is not None else ""
    elif prediction.number:
        value = quantities.read_quantity(prediction.number, run)
        outcome = "" if value is None else format_number(value)
    elif prediction.curve in run.series:
        outcome = "drawn"
    return Proof(
        loaded.name, prediction.name, seed, "prediction", is_met=bool(outcome),
        seconds=round(training.seconds, 2), outcome=outcome,
    )  # fmt: skip


def _train(
    loaded: LoadedLesson, start: Experiment, changes: Sequence[Change], until: Goal | None = None,
    steps: int = 0,
) -> _Training:  # fmt: skip
    """Trains with changes, live ones at their steps.

    Args:
        until: the goal at which training can stop.
        steps: the steps after which it stops; 0: at the end of the experiment.
    """
    from tuilab.engine.data.load import load
    from tuilab.engine.device.devices import device_for
    from tuilab.engine.session import Session
    from tuilab.engine.train import train

    first = tuple(change for change in changes if not change.at)
    experiment = with_value(apply_changes(start, first), "training.device", "cpu")
    later = sorted((change for change in changes if change.at), key=lambda change: change.at)
    device = device_for(experiment.training)
    session = Session("proof", experiment, load(experiment, device, lambda *_: None), device)
    session.report_at_step = steps or -1
    training, attempt, started_at = _Training(), Attempt(loaded), time.perf_counter()

    def handle(event: AnyEvent) -> None:
        training.run.apply(event)
        met = attempt.handle_event(event, training.run)
        training.met_goals.extend(goal for goal in met if goal not in training.met_goals)

    handle(session.started_event(""))
    is_failed = False
    for event in train(session):
        if event is not None:
            handle(event)
            is_failed = isinstance(event, Failed)
        for change in [change for change in later if change.at <= session.step]:
            later.remove(change)
            for key, value in change.set.items():
                handle(session.set_knob(key, value))
        if is_failed or (until is not None and until in training.met_goals):
            break
        if steps and session.step > steps:  # the report of that step has been handled
            break
    training.seconds = time.perf_counter() - started_at
    if not is_failed and (until is None or until not in training.met_goals) and not steps:
        handle(structs.replace(session.finished_event("done"), run="proof"))
    return training
