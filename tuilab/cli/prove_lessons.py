"""Proof that the goals of a lesson are fair: its start fails them, its solutions meet them.

Every run is trained to its end, over several seeds, and read as the lab reads a learner's run.
"""

import time
from collections.abc import Iterator, Sequence

from msgspec import Struct, structs

from tuilab.core.experiment.experiment import Experiment, with_value
from tuilab.core.lessons import goals, quantities
from tuilab.core.lessons.attempt import Attempt
from tuilab.core.lessons.lesson import Change, Goal, Prediction, applied
from tuilab.core.lessons.library import Book
from tuilab.core.protocol.events import AnyEvent, Failed
from tuilab.core.run.run import Run

SEEDS = (0, 1, 2)

LONGEST = 90.0
"""Seconds that a solution may take."""


class Proof(Struct, frozen=True):
    """One goal or prediction of a lesson with one seed."""

    lesson: str
    name: str
    seed: int
    kind: str = "goal"
    fails_untouched: bool = True
    is_met: bool = True
    seconds: float = 0.0
    score: float | None = None
    values: dict[str, object] = {}
    "What the quantities were when the solution met it, or at its end."
    outcome: str = ""
    "Of a prediction."

    @property
    def is_good(self) -> bool:
        """Whether the goal is one that a learner can trust."""
        return self.fails_untouched and self.is_met and self.seconds <= LONGEST


def prove(book: Book, seeds: Sequence[int] = SEEDS) -> Iterator[Proof]:
    """Train what decides, goal by goal, seed by seed."""
    for seed in seeds:
        start = with_value(book.lesson.start, "seed", seed)
        met_untouched = {goal.name for goal in _trained(book, start, ()).met}
        for goal in book.lesson.goals:
            yield _goal(book, goal, start, seed, goal.name not in met_untouched)
        for bet in book.lesson.predictions:
            yield _prediction(book, bet, start, seed)


class _Training:
    """A run to its end: the goals it met on the way, and what was seen of one of them."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.met: list[Goal] = []
        self.seconds = 0.0


def _goal(book: Book, goal: Goal, start: Experiment, seed: int, fails: bool) -> Proof:
    done = _trained(book, start, goal.solution, until=goal)
    values: dict[str, object] = {c.of: quantities.value(c.of, done.run) for c in goal.all}
    return Proof(
        book.name, goal.name, seed, "goal", fails, goal in done.met, round(done.seconds, 2),
        goals.score(goal, done.run), values,
    )  # fmt: skip


def _prediction(book: Book, bet: Prediction, start: Experiment, seed: int) -> Proof:
    done = _trained(book, bet.trial(start), (), steps=bet.steps)
    told = ""
    if bet.choices:
        place = goals.outcome(bet, done.run)
        told = bet.choices[place].text if place is not None else ""
    elif bet.number:
        value = quantities.value(bet.number, done.run)
        told = "" if value is None else f"{value:.4g}"
    else:
        told = "drawn" if bet.curve in done.run.series else ""
    return Proof(
        book.name, bet.name, seed, "prediction", True, bool(told), round(done.seconds, 2),
        outcome=told,
    )  # fmt: skip


def _trained(
    book: Book, start: Experiment, changes: Sequence[Change], until: Goal | None = None,
    steps: int = 0,
) -> _Training:  # fmt: skip
    """Train; live changes come at their steps.

    Args:
        until: the goal at which it may end.
        steps: after how many it ends; 0: at its end.
    """
    from tuilab.engine.data.load import load
    from tuilab.engine.device import devices
    from tuilab.engine.session import Session
    from tuilab.engine.train import train

    first = tuple(change for change in changes if not change.at)
    experiment = with_value(applied(start, first), "training.device", "cpu")
    later = sorted((change for change in changes if change.at), key=lambda change: change.at)
    device = devices.of(experiment.training)
    session = Session("proof", experiment, load(experiment, device, lambda *_: None), device)
    session.report_at_step = steps or -1
    done, attempt, begun = _Training(Run()), Attempt(book), time.perf_counter()

    def hear(event: AnyEvent) -> None:
        done.run.apply(event)
        done.met.extend(goal for goal in attempt.see(event, done.run) if goal not in done.met)

    hear(session.started(""))
    is_cut = False
    for event in train(session):
        if event is not None:
            hear(event)
            is_cut = isinstance(event, Failed)
        for change in [change for change in later if change.at <= session.step]:
            later.remove(change)
            for key, value in change.set.items():
                hear(session.set(key, value))
        if is_cut or (until is not None and until in done.met):
            break
        if steps and session.step > steps:  # what a report tells of that step has come
            break
    done.seconds = time.perf_counter() - begun
    if not is_cut and (until is None or until not in done.met) and not steps:
        hear(structs.replace(session.finished("done"), run="proof"))
    return done
