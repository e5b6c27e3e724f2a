"""Walking through the snapshots of a run, coming back to now, and branching off."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import ClassVar, Literal

from textual.binding import Binding

from tuilab.core.experiment.byte_size import parse_byte_size
from tuilab.core.experiment.experiment import Experiment, split_changes
from tuilab.core.format import format_count
from tuilab.core.protocol.commands import KeepSnapshot, Travel
from tuilab.core.protocol.events import AnyEvent, SnapshotKept, Traveled
from tuilab.core.run.run import Run
from tuilab.ui.controllers.context import Context
from tuilab.ui.keymap import bind
from tuilab.ui.panes.status import BACK_KEY
from tuilab.ui.screens.dialogs import Ask, Choice

KEEP_SECONDS = 20.0
"""Seconds to wait for a snapshot to be taken."""

MAX_KEYS = 4
"""Changed hyperparameters that a question names."""

AskAboutRun = Callable[[str, str], Awaitable[Literal["leave", "stop"] | None]]
"""Asks what becomes of the run in progress, with a title and what happens then."""

_key = partial(bind, "Time")


class TimeTravelController:
    """Sends the commands that show a snapshot or start a branch; the run itself is unchanged."""

    BINDINGS: ClassVar[list[Binding]] = [
        _key("comma", "time_travel.walk(-1)", "earlier",
             "Show the run as it was at the snapshot before"),
        _key("full_stop", "time_travel.walk(1)", "later",
             "Show the run as it was at the next snapshot, at last as it is now"),
        _key(BACK_KEY, "time_travel.come_back", "now", "Show the run as it is now"),
        _key("Y", "time_travel.branch", "branch",
             "Start a run that goes on from the state that is shown; this one is kept"),
    ]  # fmt: skip

    def __init__(self, context: Context, ask_about_run: AskAboutRun) -> None:
        self._context, self._ask_about_run = context, ask_about_run
        self._workspace = context.workspace
        self._requested: tuple[str, int] | None = None
        "The run and the step that were asked for and are not shown yet."
        self._kept_step: asyncio.Future[int] | None = None
        "Is done once the snapshot that was asked for is taken."

    def handle_event(self, event: AnyEvent) -> None:
        """Takes in that a snapshot is shown, or was taken."""
        if isinstance(event, Traveled) and self._requested == (event.run, event.step):
            self._requested = None
        if isinstance(event, Traveled) and event.is_now:
            self._requested = None
        if (
            isinstance(event, SnapshotKept)
            and self._kept_step is not None
            and not self._kept_step.done()
        ):
            self._kept_step.set_result(event.step)

    # --- looking ------------------------------------------------------------------------------

    def walk(self, direction: int) -> None:
        """Shows the previous or the next snapshot; after the last one, the run as it is now."""
        run = self._workspace.run
        position = self._find_position(run)
        steps = run.snapshots
        if direction < 0:
            limit = run.step if position is None else position
            target = max((step for step in steps if step < limit), default=None)
            if target is None:
                self._context.notify(self._describe_end(run), timeout=3)
                return
        elif position is None:
            self._context.notify("This is the run as it is now.", timeout=2)
            return
        else:
            target = min((step for step in steps if step > position), default=None)
        if target is None:
            self.come_back()
            return
        self._requested = (run.id, target)
        self._context.send([Travel(target)])

    def _find_position(self, run: Run) -> int | None:
        """Returns the step that is shown or was asked for; None: now."""
        if self._requested is not None and self._requested[0] == run.id:
            return self._requested[1]
        return None if run.past is None else run.past.step

    def _describe_end(self, run: Run) -> str:
        """Returns why there is no earlier snapshot."""
        if run.snapshots:
            return "This is the first snapshot."
        if run.started is None:
            return "There is no run yet: space starts one, and its snapshots can be walked through."
        size = run.experiment.training.snapshots if run.experiment is not None else ""
        if parse_byte_size(size) == 0:
            return "There are no snapshots: training.snapshots is off."
        return "There are no earlier snapshots. They are taken while the run trains."

    def come_back(self) -> None:
        """Shows the run as it is now."""
        if self._find_position(self._workspace.run) is None:
            self._context.notify("This is the run as it is now.", timeout=2)
            return
        self._requested = None
        self._context.send([Travel()])

    # --- branching ----------------------------------------------------------------------------

    async def branch(self) -> None:
        """Starts a run from the state that is shown, after asking what is to be asked."""
        run = self._workspace.run
        if run.started is None or run.state == "starting":
            self._context.notify("There is no run to branch off.")
            return
        past = run.past
        experiment = await self._choose_experiment(run)
        if experiment is None:
            return
        answer = await self._settle_parent(run)
        if answer is None:
            return
        step: int | None = run.step if past is None else past.step
        if run.is_active:  # "now" moves on, and what is left must be on the disk
            newest = await self._keep_snapshot()
            step = newest if past is None else step
        if step is None:
            self._context.notify(
                "No snapshot could be taken: is training.snapshots off, or the disk full?",
                severity="error",
            )  # fmt: skip
            return
        if answer == "leave":
            self._context.leave_run()
        self._context.send(self._workspace.branch(run.id, step, experiment))
        self._context.reveal_pane("charts")

    async def _choose_experiment(self, run: Run) -> Experiment | None:
        """Asks which knobs the branch begins with, where they have changed; None: not at all."""
        before = run.past.experiment if run.past is not None else run.experiment
        before = before or self._workspace.experiment
        after = self._workspace.experiment
        live, restart = split_changes(before, after)
        if not live and not restart:
            return before
        names = [*restart, *live]
        changed = ", ".join(names[:MAX_KEYS]) + (", …" if len(names) > MAX_KEYS else "")
        problem = f"{restart[0]} needs a new run" if restart else ""
        step = run.step if run.past is None else run.past.step
        choices = [
            Choice("As it was then", before, "w", "Without other changes it ends as this run did"),
            Choice("As it is edited now", after, "e", f"Changed: {changed}", problem),
            Choice("Cancel", None, "c"),
        ]
        title = f"Branch from step {format_count(step)}"
        answer: Experiment | None = await self._context.ask(
            Ask(title, "Which hyperparameters?", choices)
        )
        return answer

    async def _settle_parent(self, run: Run) -> Literal["leave", "stop"] | None:
        """Asks what becomes of this run, if it is in progress; None: do not branch."""
        if not run.is_active:
            return "stop"
        return await self._ask_about_run("Branch off?", "the branch begins")

    async def _keep_snapshot(self) -> int | None:
        """Has a snapshot taken; returns its step, or None if that fails."""
        self._kept_step = asyncio.get_running_loop().create_future()
        self._context.send([KeepSnapshot()])
        with suppress(TimeoutError):
            return await asyncio.wait_for(self._kept_step, KEEP_SECONDS)
        return None
