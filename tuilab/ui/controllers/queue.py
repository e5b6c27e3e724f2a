"""The queue and the other runs in progress from within the lab."""

import asyncio
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding

from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.commands import Start
from tuilab.core.run.run import make_run_id
from tuilab.ui.controllers.context import Context
from tuilab.ui.controllers.runs import RunsController
from tuilab.ui.controllers.training import TrainingController
from tuilab.ui.keymap import bind
from tuilab.ui.panes.run_strip import RunStrip

if TYPE_CHECKING:  # not before the first frame
    from tuilab.host.active_runs import ActiveRun, ActiveRuns

REFRESH_SECONDS = 1.0
"""Seconds between two looks at the other runs."""

_key = partial(bind, "Lab")


class QueueController:
    """Adds experiments to the queue, and goes from one run in progress to the next."""

    BINDINGS: ClassVar[list[Binding]] = [
        _key("Q", "queue.add", "add to the queue",
             "Add the edited experiment to the queue; it trains beside the lab"),
        _key("ctrl+t", "queue.switch", "next run in progress",
             "Show the next of the runs in progress; this one goes on"),
        _key("H", "queue.toggle_strip", "strip of runs",
             "Hide or show the line of each run in progress or in the queue"),
    ]  # fmt: skip

    def __init__(
        self, context: Context, training: TrainingController, runs: RunsController, strip: RunStrip
    ) -> None:
        self._context, self._training = context, training
        self._runs_controller, self._strip = runs, strip
        self._workspace = context.workspace
        self._followed: ActiveRuns | None = None
        self._runs: list[ActiveRun] = []
        self._is_refreshing = False

    def refresh(self) -> None:
        """Looks at the other runs in a thread, and shows them."""
        if not self._is_refreshing:
            self._is_refreshing = True
            self._context.start(self._refresh())

    async def _refresh(self) -> None:
        try:
            self._runs = await asyncio.to_thread(self._list_runs)
        finally:
            self._is_refreshing = False
        self._strip.show(self._runs, self._workspace.run.id)

    def _list_runs(self) -> "list[ActiveRun]":
        from tuilab.host.active_runs import ActiveRuns

        self._followed = self._followed or ActiveRuns()
        return self._followed.refresh()

    async def add(self) -> None:
        """Adds the edited experiment to the queue, which is worked off in the background."""
        if not self._training.can_start():
            return
        try:
            text = await asyncio.to_thread(_add_to_queue, self._workspace.experiment)
        except (InputError, OSError) as error:
            self._context.notify(str(error), title="Not added", severity="error")
            return
        self._context.notify(text, title="Added to the queue")
        self.refresh()

    async def switch(self) -> None:
        """Shows the next of the runs in progress."""
        runs = [run.run for run in self._runs if run.is_in_progress]
        current = self._workspace.run.id
        later = runs[runs.index(current) + 1 :] if current in runs else []
        others = [run for run in [*later, *runs] if run != current]
        if others:
            await self.switch_to(others[0])
        else:
            self._context.notify("No other run is in progress. Q adds one to the queue.")

    async def switch_to(self, run: str) -> None:
        """Shows a run in progress; the present one goes on in its host."""
        if run != self._workspace.run.id:
            await self._runs_controller.switch_to(run)
            self._strip.show(self._runs, run)

    def toggle_strip(self) -> None:
        """Hides the strip of runs, or shows it again."""
        self._strip.toggle()
        if len(self._runs) < 2:
            state = "hidden" if self._strip.is_hidden else "shown"
            self._context.notify(f"The strip is {state} as soon as there is more than one run.")


def _add_to_queue(experiment: Experiment) -> str:
    """Adds an experiment and returns what is to be said of it."""
    from tuilab.host import run_queue

    [entry] = run_queue.add_runs([Start(make_run_id(experiment), experiment)])
    text = f"{entry.run} at position {run_queue.find_position(entry.run)}"
    run_queue.start_runner()
    return text
