"""All panes in their columns; which of them are displayed follows from the screen's classes."""

import time
from collections.abc import Iterator

from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.widget import Widget
from textual.widgets import Static

from tuilab.core.experiment.experiment import Experiment
from tuilab.core.lessons.link_targets import PANE_TITLES, PaneName
from tuilab.core.protocol.commands import Inspect
from tuilab.core.run.past import as_shown
from tuilab.core.run.run import Run
from tuilab.ui.panes.charts.charts_pane import ChartsPane
from tuilab.ui.panes.inspect import InspectPane
from tuilab.ui.panes.knobs.knobs_pane import KnobsPane
from tuilab.ui.panes.lesson.lesson_pane import LessonPane
from tuilab.ui.panes.log import LogPane
from tuilab.ui.panes.network.network_pane import NetworkPane
from tuilab.ui.panes.pane_tabs import PaneTabs
from tuilab.ui.run_overlay import RunOverlay
from tuilab.ui.views.result.result_view import ResultView
from tuilab.ui.workspace import Workspace

CHART_INTERVAL = 0.2
"""Seconds between two frames of one of the charts during training."""


class PaneArea(Container):
    """Shows the workspace in the panes that are displayed; the others wait until they are."""

    def __init__(self) -> None:
        super().__init__()
        self.network, self.knobs = NetworkPane(), KnobsPane()
        self.charts, self.result, self.inspect = ChartsPane(), ResultView(), InspectPane()
        self.lesson, self.log_pane, self.tabs = LessonPane(), LogPane(), PaneTabs()
        self.by_name: dict[PaneName, Widget] = {
            "network": self.network,
            "knobs": self.knobs,
            "charts": self.charts,
            "result": self.result,
            "log": self.log_pane,
            "inside": self.inspect,
            "lesson": self.lesson,
        }
        for name, pane in self.by_name.items():
            pane.id = name
            pane.add_class("pane")
            pane.border_title = pane.border_title or PANE_TITLES[name]
        self._note = Static(id="note", markup=False)
        self._chart_state: object = None
        self._charts_drawn = 0.0

    def compose(self) -> ComposeResult:
        """Yields the tabs, a note, the panes in their columns, and the log."""
        yield from (self.tabs, self._note)
        with Container(id="body"):
            with Vertical(id="left"):
                yield from (self.network, self.knobs)
            with Container(id="right"):
                yield from (self.charts, self.result, self.inspect)
            yield self.lesson
        yield self.log_pane

    def show(self, workspace: Workspace, current: PaneName, is_crowded: bool) -> None:
        """Shows the workspace.

        Args:
            current: the pane that the tabs mark.
            is_crowded: whether the terminal is behind with reading: charts and views are left out.
        """
        run, experiment = as_shown(workspace.run), workspace.experiment
        self._show_note(workspace)
        if is_displayed(self.network):
            self.network.show(experiment, run)
        if is_displayed(self.knobs):
            self.knobs.show(experiment, run, takes_live_changes=not workspace.is_run_unrelated)
        if is_displayed(self.charts) and not is_crowded:
            self._show_charts(workspace.run, experiment, workspace.overlay)
        if is_displayed(self.result) and not is_crowded:
            self.result.show(run, experiment)
        if is_displayed(self.inspect) and not is_crowded:
            self.inspect.show(run, experiment)
        if is_displayed(self.lesson):
            self.lesson.show(workspace)
        self.log_pane.show(workspace.run)
        if is_displayed(self.log_pane):
            self.log_pane.unread = 0
        self.tabs.show(current, self.log_pane.unread)

    def _show_note(self, workspace: Workspace) -> None:
        """Says whose the charts and the result are, where they are not of what is edited."""
        note = workspace.note
        if workspace.is_run_unrelated:
            note = f"Charts and result: run {workspace.run.id}. r starts the edited experiment."
        self.set_class(workspace.is_run_unrelated, "-unrelated")
        self._note.display = bool(note)
        if self._note.content != note:
            self._note.update(note)

    def _show_charts(self, run: Run, experiment: Experiment, overlay: RunOverlay) -> None:
        """Shows both charts when something has happened; during training, one at a time."""
        past = None if run.past is None else run.past.step
        now, state = time.monotonic(), (run.id, run.state, past, overlay.version)
        goes_on = run.state == "training" and state == self._chart_state
        if not goes_on or now - self._charts_drawn >= CHART_INTERVAL:
            self._chart_state, self._charts_drawn = state, now
            self.charts.show(run, experiment, goes_on, overlay)

    def requests(self, workspace: Workspace) -> Iterator[Inspect]:
        """Yields what to request from the worker, of what is displayed and may have changed."""
        request = self.result.due_request(as_shown(workspace.run), workspace.experiment)
        if request is not None:
            yield Inspect(request)
        if is_displayed(self.inspect) and (inspection := self.inspect.due_request()) is not None:
            yield inspection

    def go_to(self, name: PaneName, workspace: Workspace) -> None:
        """Puts the focus into a pane at once: the next key is for it."""
        if name == "inside":
            self.inspect.show(as_shown(workspace.run), workspace.experiment)
        pane = self.by_name[name]
        widgets = (widget for widget in (pane, *pane.query("*")) if widget.display)
        widget = next((widget for widget in widgets if widget.can_focus), None)
        if widget is not None:
            self.screen.set_focus(widget)

    def start_drawing(self, workspace: Workspace) -> None:
        """Starts to draw points by hand in the result pane."""
        self.result.show(as_shown(workspace.run), workspace.experiment)
        self.screen.set_focus(self.result.board)
        self.result.board.set_drawing(True)

    def pane_of(self, widget: Widget) -> PaneName | None:
        """Returns the pane that a widget belongs to."""
        around = widget.ancestors_with_self
        return next((name for name, pane in self.by_name.items() if pane in around), None)


def is_displayed(pane: Widget) -> bool:
    """Returns whether a pane has a place on the screen, also before the frame that shows it."""
    return all(node.display for node in pane.ancestors_with_self if isinstance(node, Widget))
