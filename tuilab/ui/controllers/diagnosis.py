"""What is wrong with the run, looked for at most once a second, and what a chosen fix does."""

from collections.abc import Callable

from textual import on

from tuilab.core.diagnosis.watch import Watch
from tuilab.core.experiment.experiment import live_changes
from tuilab.core.protocol.commands import AnyCommand
from tuilab.ui.controllers.training import TrainingController
from tuilab.ui.panes.inspect import InspectPane
from tuilab.ui.views.diagnosis.cured import Consulted, Cured
from tuilab.ui.workspace import Workspace


class DiagnosisController(TrainingController):
    """A screen that watches over its run and tells the view of the diagnosis."""

    inside: InspectPane

    def __init__(self, desk: Workspace, send: Callable[[AnyCommand], None]) -> None:
        super().__init__(desk, send)
        self.lookout = Watch()

    def heed(self) -> int:
        """Look after the run; how many findings are worth a sign because no view shows them."""
        if self.lookout.look(self.workspace.run):
            self._tell()
        view = self.inside.view
        is_open = view is not None and view.id == "diagnosis" and view.is_on_screen
        return 0 if is_open else len(self.lookout.findings)

    @on(Consulted)
    def _tell(self) -> None:
        if not self.inside.query("#diagnosis"):
            return
        from tuilab.ui.views.diagnosis.diagnosis_view import DiagnosisView

        for view in self.inside.query(DiagnosisView):
            view.tell(self.lookout.findings)

    @on(Cured)
    def _cure(self, event: Cured) -> None:
        before, fix = self.workspace.experiment, event.fix
        self.change(fix.key, fix.value)
        after = self.workspace.experiment
        if after is before:
            return
        is_on = self.workspace.run.state in ("training", "paused")
        goes_live = is_on and live_changes(before, after) is not None
        how = "It holds from now on" if goes_live else "r restarts with it"
        self.notify(f"{how}; u takes it back.", title=fix.label, markup=False)

    def action_diagnosis(self) -> None:
        """Show what is wrong."""
        self.inside.open("diagnosis")
        self.action_pane("inside")

    def action_pane(self, name: str) -> None:
        """Show a pane and put the focus into it."""
        raise NotImplementedError
