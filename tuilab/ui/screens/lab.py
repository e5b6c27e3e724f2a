"""The lab: one screen on which panes show the desk, and say what is to change on it."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import ClassVar

import msgspec
from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical
from textual.widget import Widget
from textual.widgets import Static

from tuilab.lab.catalogue.data import Drawn
from tuilab.lab.messages import AnyCommand, AnyEvent, Inspect, Logged, Probe
from tuilab.lab.run import Run, Snapshot
from tuilab.ui import actions, words
from tuilab.ui.asking import Asking
from tuilab.ui.desk import Desk
from tuilab.ui.panes.charts import ChartsPane
from tuilab.ui.panes.inside import InsidePane
from tuilab.ui.panes.keys import KeyLine
from tuilab.ui.panes.knobs import KnobsPane
from tuilab.ui.panes.log import LogPane
from tuilab.ui.panes.network import NetworkPane
from tuilab.ui.panes.result import PictureView, ResultPane
from tuilab.ui.panes.status import StatusBar
from tuilab.ui.screens.filing import Filing
from tuilab.ui.screens.heeding import Heeding
from tuilab.ui.screens.tabs import Tabs
from tuilab.ui.widgets.board import Board

WIDTHS = [(0, "-cramped"), (44, "-narrow"), (100, "-normal"), (150, "-wide")]
"""From how many columns on there is no room, one pane, two columns, three."""

HEIGHTS = [(0, "-flat"), (12, "-low"), (32, "-tall")]
"""From how many lines on there is no room, a little, enough."""

FRAMES = 0.2
"""Seconds between two frames of one of the charts while training goes on."""

TOO_SMALL = "tuilab needs\n44 × 12 cells.\nMake this window larger."


class LabScreen(Heeding, Filing):
    """Routes what panes say to the desk, and what the host says to the panes."""

    BINDINGS: ClassVar[list[BindingType]] = [*actions.LAB]
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS

    def __init__(self, desk: Desk, send: Callable[[AnyCommand], None]) -> None:
        super().__init__(desk, send)
        self.lag = 0.0
        self.status = StatusBar()
        self.tabs = Tabs()
        self.network, self.knobs = NetworkPane(), KnobsPane()
        self.charts, self.result, self.log_pane = ChartsPane(), ResultPane(), LogPane()
        self.inside = InsidePane()
        self._panes: dict[str, Widget] = dict(
            zip(
                actions.PANES,
                (
                    self.network,
                    self.knobs,
                    self.charts,
                    self.result,
                    self.log_pane,
                    self.inside,
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
        before = self.desk.run.failure
        note = ""
        for event in news:
            self.desk.receive(event)
            if isinstance(event, Logged) and event.source == "host":
                note = event.text
        if note:
            self.notify(note, severity="warning", markup=False)
        failure = self.desk.run.failure
        self.hear_study(self.desk.run)
        self.repaint(slow=slow)
        if failure is not None and failure is not before:
            self.explain(failure)

    def repaint(self, slow: bool = False) -> None:
        """Show the desk; panes that are not on screen wait until they are."""
        if not self.is_mounted:
            return
        run, experiment = self.desk.run, self.desk.experiment
        self.status.findings = self.heed()
        self.status.show(run, self.lag, words.pending(self.desk.restart_keys), experiment)
        if self._is_seen(self.network):
            self.network.show(experiment, run)
        if self._is_seen(self.knobs):
            self.knobs.show(experiment, run, follows=not self.desk.is_apart)
        if self._is_seen(self.charts) and not slow:
            self._draw(run)
        if self._is_seen(self.result) and not slow:
            self.result.show(run, experiment)
        if self._is_seen(self.inside) and not slow:
            self.inside.show(run, experiment)
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
        run = self.desk.run
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
        experiment = msgspec.structs.replace(self.desk.experiment, network=event.network)
        self.send(self.desk.edit(experiment))

    @on(KnobsPane.Edited)
    def _knob_edited(self, event: KnobsPane.Edited) -> None:
        self.change(event.key, event.value)

    @on(PictureView.Warmed)
    def _warmed(self, event: PictureView.Warmed) -> None:
        self.nudge("task.temperature", event.direction)

    @on(Board.Drew)
    def _drew(self, event: Board.Drew) -> None:
        self.change("data.points", event.points)

    def action_draw(self) -> None:
        """Draw points by hand; other data gives way to them."""
        if not isinstance(self.desk.experiment.data, Drawn):
            self.change("data.name", "drawn")
        self.action_pane("result")
        self.result.show(self.desk.run, self.desk.experiment)
        self.set_focus(self.result.board)
        self.result.board.draw(True)

    # Where things are

    def go_to(self, key: str) -> None:
        """Go to the pane in which a key of the experiment is edited."""
        self.action_pane("network" if key.startswith("network") else "knobs")
        if key.startswith("network"):
            self.network.go_to_problem()

    def action_pane(self, name: str) -> None:
        """Show a pane and put the focus into it; the log's key hides the log again."""
        if name == "log" and not self._is_single:
            self.toggle_class("-log")
            if not self.has_class("-log"):
                return
        self._turn_to(name)
        if name == "inside":
            self.inside.show(self.desk.run, self.desk.experiment)
        self._focus_pane(self._panes[name])
        self.call_after_refresh(self.repaint)

    def _turn_to(self, name: str) -> None:
        self._current = name
        for pane in actions.PANES:
            self.set_class(pane == name, f"-on-{pane}")
        if name in ("charts", "result", "inside"):
            self.set_class(name == "inside", "-inside")

    def _focus_pane(self, pane: Widget) -> None:
        inside = [pane, *pane.query("*")]
        widget = next((widget for widget in inside if widget.can_focus and widget.display), None)
        if widget is not None:
            self.set_focus(widget)  # at once: the next key is for it

    @property
    def _is_single(self) -> bool:
        """Whether one pane has the whole screen."""
        return self.has_class("-zoomed") or self.size.width < WIDTHS[2][0]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The panes' numbers are numbers where somebody writes."""
        if action == "pane" and self.focused is not None:
            return not self.focused.check_consume_key(str(1), "1")
        return True

    def action_next_pane(self, direction: int) -> None:
        """The next place that takes keys; where one pane is shown, that pane comes."""
        if not self._is_single:
            self.focus_next() if direction > 0 else self.focus_previous()
            return
        place = actions.PANES.index(self._current) + direction
        self.action_pane(actions.PANES[place % len(actions.PANES)])

    def action_zoom(self) -> None:
        """Give the pane in focus the whole screen, or its place back."""
        self.toggle_class("-zoomed")
        self.call_after_refresh(self.repaint)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The pane in focus is the one that a narrow screen shows."""
        for name, pane in self._panes.items():
            if pane in event.widget.ancestors_with_self and name != self._current:
                self._turn_to(name)

    def on_resize(self) -> None:
        """Panes that have come into sight are shown; the focus comes back with its pane."""
        self.call_after_refresh(self._settle)

    def _settle(self) -> None:
        if self.focused is None:
            self._focus_pane(self._panes[self._current])
        self.repaint()

    def action_theme(self) -> None:
        """Choose a theme."""
        self.app.action_change_theme()

    def action_palette(self) -> None:
        """Every action by its name."""
        self.app.action_command_palette()

    def action_help(self) -> None:
        """Every key."""
        from tuilab.ui.screens.help import Help

        self.app.push_screen(Help(self))
