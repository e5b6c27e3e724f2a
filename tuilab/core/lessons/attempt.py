"""The learner's own run beside a lesson: which goals it has met, seen event by event."""

from collections.abc import Iterator

from tuilab.core.lessons import goals
from tuilab.core.lessons.goals import Standing
from tuilab.core.lessons.lesson import Goal
from tuilab.core.lessons.library import Book
from tuilab.core.protocol.events import (
    AnyEvent,
    EpochEnded,
    Finished,
    LayerStatsReported,
    Paused,
    Progressed,
)
from tuilab.core.run.run import Run

TELLING = (Progressed, LayerStatsReported, EpochEnded, Paused, Finished)
"""Events after which a goal may be met that was not."""


class Attempt:
    """Reads every goal of a lesson off a run, each time that the run has something to tell."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.standings: dict[str, Standing] = {}
        "How far the run was from each goal, when it was last looked at."

    def see(self, event: AnyEvent, run: Run) -> Iterator[Goal]:
        """The goals that hold at this moment, after this event was folded into the run."""
        if isinstance(event, TELLING) and getattr(event, "run", "") == run.id:
            at_length = isinstance(event, (EpochEnded, Paused, Finished))
            for goal in self.measure(run, at_length=at_length):
                if self.standings[goal.name].is_met and run.started is not None:
                    yield goal

    def measure(self, run: Run, *, at_length: bool = True) -> list[Goal]:
        """Take note of how far the run is from each goal; the goals that were looked at.

        Args:
            at_length: also those that take a diagnosis, which is slow.
        """
        looked_at = [
            goal
            for goal in self.book.lesson.goals
            if at_length or not any("finding " in condition.of for condition in goal.all)
        ]
        for goal in looked_at:
            self.standings[goal.name] = goals.standing(goal, run, self.book.lesson.start)
        return looked_at
