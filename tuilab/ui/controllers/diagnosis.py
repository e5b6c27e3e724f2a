"""What is wrong with the run, looked for at most once a second, and the fixes that are chosen."""

import time
from typing import ClassVar

from textual.binding import Binding

from tuilab.core.diagnosis.finding import Fix
from tuilab.core.diagnosis.watch import DiagnosisWatch
from tuilab.core.experiment.experiment import get_live_changes
from tuilab.core.protocol.commands import Cancel, Check
from tuilab.core.run.run import Run
from tuilab.ui.controllers.context import Context
from tuilab.ui.controllers.edits import EditController
from tuilab.ui.keymap import bind
from tuilab.ui.panes.inspect import InspectPane

QUIET_SECONDS = 3.0
"""Seconds that a run must wait, or be over, before it is checked without being asked for."""


class DiagnosisController:
    """Watches the run, shows what it finds in the view of the diagnosis, and applies fixes.

    A run that has not learned, and whose history does not say why or names the learning rate, is
    checked while it waits.
    """

    BINDINGS: ClassVar[list[Binding]] = [
        bind("View", "!", "diagnosis.show", "diagnosis",
             "Show what is wrong with the run, and what to do"),
    ]  # fmt: skip

    def __init__(self, context: Context, edits: EditController, pane: InspectPane) -> None:
        self._context, self._edits, self._pane = context, edits, pane
        self._watch = DiagnosisWatch()
        self._state: tuple[str, str, int] = ("", "", 0)
        "Run, state and step that were seen last."
        self._state_since = 0.0
        self._is_considered = False
        "Whether it has been decided if the run in this state is checked."

    def count_new_findings(self) -> int:
        """Looks at the run; returns the number of findings that are not on the screen."""
        run = self._context.workspace.run
        if self._watch.update(run):
            self.show_findings()
        self._check_if_needed(run)
        view = self._pane.view
        is_shown = view is not None and view.id == "diagnosis" and view.is_on_screen
        return 0 if is_shown else len(self._watch.findings)

    def _check_if_needed(self, run: Run) -> None:
        """Checks a run that has waited for some seconds, if that can help it."""
        state = (run.id, run.state, run.step)
        now = time.monotonic()
        if state != self._state:
            self._state, self._state_since, self._is_considered = state, now, False
        is_waiting = run.state in ("paused", "finished", "failed")
        if not is_waiting or self._is_considered or now - self._state_since < QUIET_SECONDS:
            return
        from tuilab.core.diagnosis.checks import needs_checks

        self._is_considered = True
        if needs_checks(run, [finding.diagnosis for finding in self._watch.findings]):
            self._context.send([Check()])

    def toggle_checks(self) -> None:
        """Starts the checks, or cancels them."""
        self._is_considered = True
        is_checking = self._context.workspace.run.checking is not None
        self._context.send([Cancel() if is_checking else Check()])

    def show_findings(self) -> None:
        """Gives the findings to the view, if it has been opened."""
        view = self._pane.find("diagnosis")
        if view is None:
            return
        from tuilab.ui.views.diagnosis.diagnosis_view import DiagnosisView

        assert isinstance(view, DiagnosisView)
        view.show_findings(self._watch.findings, self._watch.too_early)

    def apply(self, fix: Fix) -> None:
        """Makes the change that a fix proposes, or says that it only takes a restart."""
        workspace = self._context.workspace
        before = workspace.experiment
        if not fix.is_live and fix.is_in(before):
            self._context.notify("r restarts with it.", title=fix.label)
            return
        self._edits.change(fix.key, fix.value)
        after = workspace.experiment
        if after is before:
            return
        is_active = workspace.run.state in ("training", "paused")
        goes_live = is_active and fix.is_live and get_live_changes(before, after) is not None
        outcome = "Applied" if goes_live else "r restarts with it"
        self._context.notify(f"{outcome}; u undoes it.", title=fix.label)

    def show(self) -> None:
        """Opens the view of the diagnosis."""
        self._pane.open("diagnosis")
        self._context.show_pane("inside")
