"""The lab: one screen on which panes show the desk, and say what is to change on it."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import ClassVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical
from textual.widget import Widget
from textual.widgets import Static

from tuilab.core.catalogue.data_sets import Drawn
from tuilab.core.protocol.commands import AnyCommand, Inspect, Probe
from tuilab.core.protocol.events import AnyEvent, Logged
from tuilab.core.run.run import Run, Snapshot
from tuilab.ui import copy_text, keymap
from tuilab.ui.controllers.diagnosis import DiagnosisController
from tuilab.ui.controllers.layout import PaneLayout
from tuilab.ui.controllers.lessons import LessonController
from tuilab.ui.panes.charts.charts_pane import ChartsPane
from tuilab.ui.panes.inspect import InspectPane
from tuilab.ui.panes.key_bar import KeyLine
from tuilab.ui.panes.knobs.knobs_pane import KnobsPane
from tuilab.ui.panes.lesson.lesson_pane import LessonPane
from tuilab.ui.panes.log import LogPane
from tuilab.ui.panes.network.network_pane import NetworkPane
from tuilab.ui.panes.pane_tabs import Tabs
from tuilab.ui.panes.status import StatusBar
from tuilab.ui.views.request_throttle import Asking
from tuilab.ui.views.result.point_editor import PointEditor
from tuilab.ui.views.result.result_pane import PictureView, ResultPane
from tuilab.ui.workspace import Workspace

FRAMES = 0.2
"""Seconds between two frames of one of the charts while training goes on."""

TOO_SMALL = "tuilab needs\n44 × 12 cells.\nMake this window larger."


class LabScreen(PaneLayout, DiagnosisController, LessonController):
    """Routes what panes say to the desk, and what the host says to the panes."""

    BINDINGS: ClassVar[list[BindingType]] = [*keymap.LAB]

    def __init__(self, desk: Workspace, send: Callable[[AnyCommand], None]) -> None:
        super().__init__(desk, send)
        self.lag = 0.0
        self.status = StatusBar()
        self.tabs = Tabs()
        self.network, self.knobs = NetworkPane(), KnobsPane()
        self.charts, self.result, self.log_pane = ChartsPane(), ResultPane(), LogPane()
        self.inside, self.lesson = InspectPane(), LessonPane()
        self._panes: dict[str, Widget] = dict(
            zip(
                keymap.PANES,
                (
                    self.network,
                    self.knobs,
                    self.charts,
                    self.result,
                    self.log_pane,
                    self.inside,
                    self.lesson,
                ),
                strict=True,
            )
        )
        for name, pane in self._panes.items():
            pane.id = name
            pane.add_class("pane")
            pane.border_title = pane.border_title or name.capitalize()
        self._asking = Asking()
        self._drawn: tuple[object, float] = (None, 0.0)
        self._current = "network"
        self.add_class("-on-network")

    def fit(self, width: int, height: int) -> None:
        """Take the form for a size now; Textual would do so only after a first frame without it."""
        for room, forms in (
            (width, self.HORIZONTAL_BREAKPOINTS), (height, self.VERTICAL_BREAKPOINTS),
        ):  # fmt: skip
            self.add_class(max(form for form in forms if form[0] <= room)[1])

    def compose(self) -> ComposeResult:
        """Status, the panes in their columns, the keys."""
        yield self.status
        yield self.tabs
        with Container(id="body"):
            with Vertical(id="left"):
                yield self.network
                yield self.knobs
            with Container(id="right"):
                yield self.charts
                yield self.result
                yield self.inside
            yield self.lesson
        yield self.log_pane
        yield KeyLine()
        yield Static(TOO_SMALL, id="too-small")

    def on_mount(self) -> None:
        """Fill the panes before the first frame."""
        self.repaint()

    def on_screen_resume(self) -> None:
        """A dialog has gone; what came meanwhile is shown."""
        self.repaint()

    # What the host says

    def receive(self, news: Iterable[AnyEvent | Snapshot], slow: bool = False) -> None:
        """Fold everything in, then show it once."""
        before = self.workspace.run.failure
        note = ""
        for event in news:
            self.workspace.receive(event)
            if not isinstance(event, Snapshot):
                self.attend(event, self.workspace.run)
            if isinstance(event, Logged) and event.source == "host":
                note = event.text
        if note:
            self.notify(note, severity="warning", markup=False)
        failure = self.workspace.run.failure
        self.hear_study(self.workspace.run)
        self.repaint(slow=slow)
        if failure is not None and failure is not before:
            self.explain(failure)

    def repaint(self, slow: bool = False) -> None:
        """Show the desk; panes that are not on screen wait until they are."""
        if not self.is_mounted:
            return
        run, experiment = self.workspace.run, self.workspace.experiment
        self.status.findings = self.heed()
        self.status.show(run, self.lag, copy_text.pending(self.workspace.restart_keys), experiment)
        if self._is_seen(self.network):
            self.network.show(experiment, run)
        if self._is_seen(self.knobs):
            self.knobs.show(experiment, run, follows=not self.workspace.is_apart)
        if self._is_seen(self.charts) and not slow:
            self._draw(run)
        if self._is_seen(self.result) and not slow:
            self.result.show(run, experiment)
        if self._is_seen(self.inside) and not slow:
            self.inside.show(run, experiment)
        if self._is_seen(self.lesson):
            self.lesson.show(run)
        self.log_pane.show(run)
        if self._is_seen(self.log_pane):
            self.log_pane.unseen = 0
        self.tabs.show(self._current, self.log_pane.unseen)

    def _draw(self, run: Run) -> None:
        """Both charts when something has happened; while training goes on, each in its turn."""
        now, state = time.monotonic(), (run.id, run.state)
        goes_on = run.state == "training" and state == self._drawn[0]
        if goes_on and now - self._drawn[1] < FRAMES:
            return
        self._drawn = (state, now)
        self.charts.show(run, in_turns=goes_on)

    def _is_seen(self, pane: Widget) -> bool:
        nodes = (node for node in pane.ancestors_with_self if isinstance(node, Widget))
        return all(node.display for node in nodes)

    def questions(self) -> Iterator[Probe | Inspect]:
        """What to ask the worker, of what could be seen and would differ."""
        run = self.workspace.run
        if run.started is None or run.state == "starting":
            return
        if self._is_seen(self.result):
            wanted = self.result.wanted()
            if self._asking.is_due(
                wanted,
                (run.id, run.step, run.rewritten, run.experiment and run.experiment.task),
                run.picture,
                is_training=run.state == "training",
                is_unfinished=self.result.is_unfinished(run),
            ):
                yield wanted
        if self._is_seen(self.inside) and (question := self.inside.question()) is not None:
            yield question

    # What the panes say

    @on(NetworkPane.Edited)
    def _network_edited(self, event: NetworkPane.Edited) -> None:
        experiment = msgspec.structs.replace(self.workspace.experiment, network=event.network)
        self.edit(experiment)

    @on(KnobsPane.Edited)
    def _knob_edited(self, event: KnobsPane.Edited) -> None:
        self.change(event.key, event.value)

    @on(PictureView.Warmed)
    def _warmed(self, event: PictureView.Warmed) -> None:
        self.nudge("task.temperature", event.direction)

    @on(PointEditor.Drew)
    def _drew(self, event: PointEditor.Drew) -> None:
        self.change("data.points", event.points)

    def action_draw(self) -> None:
        """Draw points by hand; other data gives way to them."""
        if not isinstance(self.workspace.experiment.data, Drawn):
            self.change("data.name", "drawn")
        self.action_pane("result")
        self.result.show(self.workspace.run, self.workspace.experiment)
        self.set_focus(self.result.board)
        self.result.board.draw(True)

    # Where things are

    def opening(self, name: str) -> None:
        """The inside is asked for when it is opened, and the lesson takes its place."""
        if name == "inside":
            self.inside.show(self.workspace.run, self.workspace.experiment)
        elif name == "lesson":
            self.add_class("-lesson")

    def go_to(self, key: str) -> None:
        """Go to the pane in which a key of the experiment is edited."""
        self.action_pane("network" if key.startswith("network") else "knobs")
        if key.startswith("network"):
            self.network.go_to_problem()

    def on_resize(self) -> None:
        """Panes that have come into sight are shown; the focus comes back with its pane."""
        self.call_after_refresh(self._settle)

    def _settle(self) -> None:
        if self.focused is None:
            self._focus_pane(self._panes[self._current])
        self.repaint()
