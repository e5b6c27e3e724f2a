"""What is wrong with the run, looked for at most once a second, and the fixes that are chosen."""

from typing import ClassVar

from textual.binding import Binding

from tuilab.core.diagnosis.finding import Fix
from tuilab.core.diagnosis.watch import DiagnosisWatch
from tuilab.core.experiment.experiment import get_live_changes
from tuilab.ui.controllers.context import Context
from tuilab.ui.controllers.edits import EditController
from tuilab.ui.keymap import bind
from tuilab.ui.panes.inspect import InspectPane


class DiagnosisController:
    """Watches the run, shows what it finds in the view of the diagnosis, and applies fixes."""

    BINDINGS: ClassVar[list[Binding]] = [
        bind("View", "!", "diagnosis.show", "diagnosis",
             "Show what is wrong with the run, and what to do"),
    ]  # fmt: skip

    def __init__(self, context: Context, edits: EditController, pane: InspectPane) -> None:
        self._context, self._edits, self._pane = context, edits, pane
        self._watch = DiagnosisWatch()

    def count_new_findings(self) -> int:
        """Looks at the run; returns the number of findings that are not on the screen."""
        if self._watch.update(self._context.workspace.run):
            self.show_findings()
        view = self._pane.view
        is_shown = view is not None and view.id == "diagnosis" and view.is_on_screen
        return 0 if is_shown else len(self._watch.findings)

    def show_findings(self) -> None:
        """Gives the findings to the view, if it has been opened."""
        view = self._pane.find("diagnosis")
        if view is None:
            return
        from tuilab.ui.views.diagnosis.diagnosis_view import DiagnosisView

        assert isinstance(view, DiagnosisView)
        view.show_findings(self._watch.findings, self._watch.too_early)

    def apply(self, fix: Fix) -> None:
        """Makes the change that a fix proposes."""
        workspace = self._context.workspace
        before = workspace.experiment
        self._edits.change(fix.key, fix.value)
        after = workspace.experiment
        if after is before:
            return
        is_active = workspace.run.state in ("training", "paused")
        goes_live = is_active and get_live_changes(before, after) is not None
        outcome = "Applied" if goes_live else "r restarts with it"
        self._context.notify(f"{outcome}; u undoes it.", title=fix.label)

    def show(self) -> None:
        """Opens the view of the diagnosis."""
        self._pane.open("diagnosis")
        self._context.show_pane("inside")
