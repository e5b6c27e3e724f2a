"""A lesson in progress, or a review: the page, what was answered and bet, which goals are met.

It knows no widget, so that the rules of a lesson are tested without a screen.
"""

import time
from collections.abc import Iterator
from typing import Any

from tuilab.core.exercises.check_result import Result
from tuilab.core.lessons import answers, curve, goals, progress, quantities
from tuilab.core.lessons.answers import Asked, Verdict
from tuilab.core.lessons.attempt import Attempt
from tuilab.core.lessons.lesson import Goal, Prediction
from tuilab.core.lessons.library import Book
from tuilab.core.lessons.progress import Done, Progress
from tuilab.core.lessons.prose import Page
from tuilab.core.lessons.question import AnyQuestion
from tuilab.core.protocol.events import AnyEvent
from tuilab.core.run.run import Run

PAUSE = 300.0
"""Seconds; who does nothing for longer is counted as away."""


class Bet:
    """A prediction that was made: what was said, the run that decides, and how it came out."""

    def __init__(self, said: Any) -> None:
        self.said = said
        self.run = ""
        self.true: Any = None
        self.nearness: float | None = None


class Teaching:
    """One lesson on the desk, and what its learner has done."""

    is_review = False

    def __init__(
        self, book: Book, kept: Progress, seed: int = 0, following: Book | None = None
    ) -> None:
        self.book, self.kept, self.following = book, kept, following
        self.attempt = Attempt(book)
        self.page = min(self.done.page, len(book.pages) - 1)
        self.seeds: dict[str, int] = {}
        self.picks: dict[str, list[Any]] = {}
        self.verdicts: dict[str, Verdict] = {}
        self.bets: dict[str, Bet] = {}
        self.is_betting = False
        "Whether the run that is shown decides a bet."
        self.live = ""
        "The run in progress."
        self.results: dict[str, Result] = {}
        "Of exercises that were checked."
        self._seed, self._since = seed, time.monotonic()

    @property
    def done(self) -> Done:
        """What has been done of this lesson."""
        return self.kept.of(self.book.name)

    @property
    def present(self) -> Page:
        """The page that is open."""
        return self.book.pages[self.page]

    @property
    def is_over(self) -> bool:
        """Whether all goals are met."""
        return self.done.is_whole(self.book.lesson)

    def save(self) -> None:
        """Keep the progress, and the time that was spent since it was kept last."""
        now = time.monotonic()
        self.done.seconds += min(now - self._since, PAUSE)
        self._since = now
        progress.save(self.kept)

    def turn(self, by: int) -> bool:
        """Another page; whether there is one."""
        page = self.page + by
        if not 0 <= page < len(self.book.pages):
            return False
        self.page = self.done.page = page
        return True

    # --- goals --------------------------------------------------------------------------------

    def hear(self, event: AnyEvent, run: Run) -> Iterator[Goal]:
        """Goals that this event has met for the first time, or with a better score.

        A run that the lab has laid out to decide a bet meets none: it is not the learner's own.
        """
        if self.decides(run):
            return
        for goal in self.attempt.see(event, run):
            if self.kept.meet(self.book.name, goal.name, goals.score(goal, run)):
                yield goal

    def hint(self, goal: Goal) -> None:
        """Show one hint more of a goal."""
        taken = self.done.hints.get(goal.name, 0)
        self.done.hints[goal.name] = min(taken + 1, len(goal.hints))

    def next_goal(self) -> Goal | None:
        """The first goal of the page that is not met, else of the lesson."""
        placed = [link.target for link in self.present.links("goal")]
        every = [goal for goal in self.book.lesson.goals if goal.name not in self.done.goals]
        return next((goal for goal in every if goal.name in placed), every[0] if every else None)

    # --- questions ----------------------------------------------------------------------------

    def asked(self, question: AnyQuestion) -> Asked:
        """A question with the numbers of this time."""
        return answers.put(question, self.seeds.setdefault(question.name, self._seed))

    def pick(self, question: AnyQuestion, value: Any) -> None:
        """Choose an option, or take the choice back."""
        picks = self.picks.setdefault(question.name, [])
        picks.remove(value) if value in picks else picks.append(value)
        self.verdicts.pop(question.name, None)

    def answer(self, question: AnyQuestion, answer: Any) -> Verdict:
        """Judge an answer, and note it."""
        verdict = answers.judge(self.asked(question), answer)
        self.verdicts[question.name] = verdict
        self._note(question.name, verdict.is_right)
        return verdict

    def _note(self, question: str, is_right: bool) -> None:
        self.kept.answer(self.book.name, question, is_right)

    def ask_again(self, question: AnyQuestion) -> None:
        """Put a question anew, with other numbers."""
        self.seeds[question.name] = self.seeds.get(question.name, self._seed) + 1
        self.picks.pop(question.name, None)
        self.verdicts.pop(question.name, None)

    # --- exercises ----------------------------------------------------------------------------

    def code(self, result: Result) -> None:
        """Note how the check of an exercise came out."""
        self.results[result.exercise] = result
        done = self.done.exercises
        if result.is_passed and result.exercise not in done:
            done.append(result.exercise)

    # --- predictions --------------------------------------------------------------------------

    def bet(self, prediction: Prediction, said: Any) -> None:
        """Say what a run will do, before it is trained."""
        self.bets[prediction.name] = Bet(said)

    def is_pending(self, bet: Bet) -> bool:
        """Whether it is being decided: its run may also have failed, or been left."""
        return bet.nearness is None and bool(bet.run) and bet.run == self.live

    def decides(self, run: Run) -> bool:
        """Whether this run is there to decide a bet."""
        return bool(run.id) and any(bet.run == run.id for bet in self.bets.values())

    def follow(self, run: Run) -> None:
        """Take note of the run that is shown, and of the drawn curve that it tells."""
        self.is_betting = self.decides(run)
        self.live = run.id if run.is_active else ""
        for prediction in self.book.lesson.predictions:
            bet = self.bets.get(prediction.name)
            if bet is not None and prediction.curve and bet.nearness is None and bet.run == run.id:
                bet.true = _told(prediction, run)

    def decide(self, run: Run) -> Iterator[tuple[Prediction, Bet]]:
        """The bets that a run has decided by now."""
        for prediction in self.book.lesson.predictions:
            bet = self.bets.get(prediction.name)
            if bet is None or bet.nearness is not None or bet.run != run.id or not bet.run:
                continue
            is_over = run.finished is not None or (
                prediction.steps and run.step >= prediction.steps and run.state == "paused"
            )
            if is_over and self._settle(prediction, bet, run):
                self.kept.bet(self.book.name, prediction.name, bet.nearness or 0.0)
                yield prediction, bet

    def _settle(self, prediction: Prediction, bet: Bet, run: Run) -> bool:
        if prediction.choices:
            bet.true = goals.outcome(prediction, run)
            bet.nearness = float(bet.said == bet.true)
        elif prediction.number:
            bet.true = quantities.value(prediction.number, run)
            if bet.true is None:
                return False
            off = abs(bet.said - bet.true) / max(abs(bet.true), 1e-12)
            bet.nearness = 1.0 if off <= prediction.tolerance else max(0.0, 1 - off)
        elif prediction.curve in run.series:
            bet.true = _told(prediction, run)
            bet.nearness = curve.nearness(
                bet.said, bet.true, prediction.low, prediction.high, prediction.tolerance
            )
        return bet.nearness is not None


class Reviewing(Teaching):
    """Questions alone, which go on being told under the lessons they come from."""

    is_review = True

    def __init__(self, book: Book, kept: Progress, seed: int = 0) -> None:
        self._done = Done()
        super().__init__(book, kept, seed)

    @property
    def done(self) -> Done:
        """What has been done of this review; nothing of it is kept."""
        return self._done

    def _note(self, question: str, is_right: bool) -> None:
        lesson, _, name = question.partition("/")
        self.kept.answer(lesson, name, is_right)
        self._done.questions.setdefault(question, is_right)


def _told(prediction: Prediction, run: Run) -> list[float | None]:
    """What a run has told of the curve that is guessed, over all the steps it will have."""
    known = run.series.get(prediction.curve)
    if known is None or run.started is None:
        return [None] * curve.KNOTS
    planned = run.started.batches * run.started.experiment.training.epochs
    steps = prediction.steps or (planned if run.finished is None else run.step)
    return curve.told(known, steps, prediction.low, prediction.high)
