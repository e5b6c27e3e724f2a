"""The learner's own run beside a lesson: which goals it has met, checked event by event."""

from collections.abc import Iterator

from tuilab.core.lessons import goals
from tuilab.core.lessons.goals import GoalStatus
from tuilab.core.lessons.lesson import Goal
from tuilab.core.lessons.library import LoadedLesson
from tuilab.core.protocol.events import (
    AnyEvent,
    EpochEnded,
    Finished,
    LayerStatsReported,
    Paused,
    Progressed,
)
from tuilab.core.run.run import Run

GOAL_EVENTS = (Progressed, LayerStatsReported, EpochEnded, Paused, Finished)
"""Events after which a goal may be met that was not."""


class Attempt:
    """Checks every goal of a lesson against a run, each time that the run reports progress."""

    def __init__(self, loaded: LoadedLesson) -> None:
        self.loaded = loaded
        self.goal_statuses: dict[str, GoalStatus] = {}
        "How far the run was from each goal at its last check."

    def handle_event(self, event: AnyEvent, run: Run) -> Iterator[Goal]:
        """Yields the goals that are met now, after the run applied this event."""
        if isinstance(event, GOAL_EVENTS) and getattr(event, "run", "") == run.id:
            is_pause = isinstance(event, (EpochEnded, Paused, Finished))
            for goal in self.measure_goals(run, include_diagnosis=is_pause):
                if self.goal_statuses[goal.name].is_met and run.started is not None:
                    yield goal

    def measure_goals(self, run: Run, *, include_diagnosis: bool = True) -> list[Goal]:
        """Checks how far the run is from each goal; returns the goals that were checked.

        Args:
            include_diagnosis: also those that need a diagnosis, which is slow.
        """
        checked = [
            goal
            for goal in self.loaded.lesson.goals
            if include_diagnosis or not any("finding " in condition.of for condition in goal.all)
        ]
        for goal in checked:
            self.goal_statuses[goal.name] = goals.check_goal(goal, run, self.loaded.lesson.start)
        return checked
