"""The main screen: panes show the workspace, and controllers change it."""

from collections.abc import Callable, Iterable
from functools import partial
from inspect import iscoroutine
from typing import Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.widgets import Static

from tuilab.core.protocol.commands import AnyCommand
from tuilab.core.protocol.events import AlertRaised, AnyEvent, Logged, NetworkChanged, Started
from tuilab.core.run.baseline import load_baseline
from tuilab.core.run.run import Snapshot
from tuilab.host.link import Link
from tuilab.ui import copy_text
from tuilab.ui.controllers.alerts import AlertController
from tuilab.ui.controllers.context import Context
from tuilab.ui.controllers.diagnosis import DiagnosisController
from tuilab.ui.controllers.edits import EditController
from tuilab.ui.controllers.files import FileController
from tuilab.ui.controllers.lessons import LessonController
from tuilab.ui.controllers.overlay import OverlayController
from tuilab.ui.controllers.pane_layout import HEIGHTS, WIDTHS, PaneLayout
from tuilab.ui.controllers.queue import REFRESH_SECONDS, QueueController
from tuilab.ui.controllers.runs import RunsController
from tuilab.ui.controllers.studies import StudyController
from tuilab.ui.controllers.time_travel import TimeTravelController
from tuilab.ui.controllers.training import TrainingController
from tuilab.ui.keymap import APP_BINDINGS
from tuilab.ui.messages import (
    ChecksToggled,
    CommandIssued,
    EditRequested,
    FindingsRequested,
    FixChosen,
    TemperatureStepped,
)
from tuilab.ui.panes.key_bar import KeyBar
from tuilab.ui.panes.lesson.lesson_pane import LessonPane
from tuilab.ui.panes.pane_area import PaneArea, is_displayed
from tuilab.ui.panes.run_strip import RunStrip
from tuilab.ui.panes.status import StatusBar
from tuilab.ui.workspace import Workspace

TOO_SMALL = "tuilab needs\n44 × 12 cells.\nMake this window larger."


class MainScreen(Screen[None]):
    """Holds the panes and the controllers, and takes messages and events to who owns them."""

    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS

    BINDINGS: ClassVar[list[BindingType]] = [
        *TrainingController.BINDINGS,
        *TimeTravelController.BINDINGS,
        *StudyController.BINDINGS,
        *EditController.BINDINGS,
        *FileController.BINDINGS,
        *RunsController.BINDINGS,
        *QueueController.BINDINGS,
        *OverlayController.BINDINGS,
        *PaneLayout.BINDINGS,
        *LessonController.BINDINGS,
        *DiagnosisController.BINDINGS,
        *AlertController.BINDINGS,
        *APP_BINDINGS,
    ]

    def __init__(
        self, workspace: Workspace, send: Callable[[AnyCommand], None],
        can_leave_run: Callable[[], bool] = lambda: True,
        leave_run: Callable[[], None] = lambda: None,
        take_link: Callable[[Link], None] = lambda link: None,
        ring: Callable[[str], None] = lambda _: None,
    ) -> None:  # fmt: skip
        """Initializes the screen.

        Args:
            send: sends a command to the host.
            can_leave_run: whether a run goes on when the lab is closed.
            leave_run: leaves the run to its host, and goes on with a new one.
            take_link: goes on with the host of another run.
            ring: rings the bell of the terminal, and notifies the user of a text through it.
        """
        super().__init__()
        self.workspace, self._send = workspace, send
        self.lag = 0.0
        self.status, self.panes, self.run_strip = StatusBar(), PaneArea(), RunStrip()
        panes = self.panes
        self.pane_layout = PaneLayout(
            self._apply_layout, partial(panes.go_to, workspace=workspace),
            focus_next=self.focus_next, focus_previous=self.focus_previous,
        )  # fmt: skip
        context = self._build_context(leave_run, take_link, ring)
        self.edits = EditController(context, partial(panes.start_drawing, workspace))
        self.training = TrainingController(context, self.edits, panes.network.go_to_problem)
        self.studies = StudyController(context, self.training, self.edits)
        self.files = FileController(context, can_leave_run, on_open=partial(panes.knobs.hide, ()))
        self.overlay = OverlayController(context)
        self.alerts = AlertController(context)
        self.time_travel = TimeTravelController(context, self.files.ask_about_run)
        self.runs = RunsController(context, self.files, self.overlay)
        self.queue = QueueController(context, self.training, self.runs, self.run_strip)
        self.diagnosis = DiagnosisController(context, self.edits, panes.inspect)
        self.lessons = LessonController(
            context, self.training, self.edits, self.files,
            panes.lesson, panes.inspect, hide_knobs=panes.knobs.hide,
        )  # fmt: skip
        self._apply_layout()

    def _build_context(
        self, leave_run: Callable[[], None], take_link: Callable[[Link], None],
        ring: Callable[[str], None],
    ) -> Context:  # fmt: skip
        """Returns what controllers may do beyond the workspace."""
        return Context(
            self.workspace, self.send,
            ask=lambda dialog: self.app.push_screen_wait(dialog),
            start=self.run_worker,
            notify=partial(self.notify, markup=False),
            repaint=self.repaint,
            show_pane=self.pane_layout.show,
            reveal_pane=self.pane_layout.reveal,
            is_displayed=lambda pane: is_displayed(self.panes.by_name[pane]),
            dispatch=partial(self.call_later, self.action_dispatch),
            suspend=lambda: self.app.suspend(),
            copy_to_clipboard=lambda text: self.app.copy_to_clipboard(text),
            ring=ring,
            leave_run=leave_run,
            take_link=take_link,
            exit=lambda: self.app.exit(0),
        )  # fmt: skip

    def compose(self) -> ComposeResult:
        """Yields the status, the panes and the keys."""
        yield from (self.status, self.run_strip, self.panes, KeyBar())
        yield Static(TOO_SMALL, id="too-small")

    # --- keys and controllers -------------------------------------------------------------------

    def action_dispatch(self, name: str, *arguments: Any) -> None:
        """Calls a method of a controller, such as `training.run`.

        A method that asks is a coroutine; it runs as a worker, so that the screen goes on.
        """
        controller, _, method = name.partition(".")
        result = getattr(getattr(self, controller), method)(*arguments)
        if iscoroutine(result):
            self.run_worker(result, group=name, exclusive=True)

    def action_help(self) -> None:
        """Shows every key."""
        from tuilab.ui.screens.help import Help

        self.app.push_screen(Help(self))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Lets the numbers of the panes be numbers where text is typed."""
        if parameters[:1] == ("pane_layout.show",) and self.focused is not None:
            return not self.focused.check_consume_key("1", "1")
        return True

    def send(self, commands: Iterable[AnyCommand]) -> None:
        """Sends commands, and shows what follows from them at once."""
        for command in commands:
            self._send(command)
        self.repaint()

    # --- what the panes report ------------------------------------------------------------------

    @on(EditRequested)
    def _on_edit_requested(self, event: EditRequested) -> None:
        self.edits.change(event.key, event.value)

    @on(TemperatureStepped)
    def _on_temperature_stepped(self, event: TemperatureStepped) -> None:
        self.edits.nudge("task.temperature", event.direction)

    @on(CommandIssued)
    def _on_command_issued(self, event: CommandIssued) -> None:
        self.send([event.command])

    @on(FindingsRequested)
    def _on_findings_requested(self) -> None:
        self.diagnosis.show_findings()

    @on(ChecksToggled)
    def _on_checks_toggled(self) -> None:
        self.diagnosis.toggle_checks()

    @on(FixChosen)
    def _on_fix_chosen(self, event: FixChosen) -> None:
        self.diagnosis.apply(event.fix)

    @on(RunStrip.Chosen)
    def _on_run_chosen(self, event: RunStrip.Chosen) -> None:
        self.action_dispatch("queue.switch_to", event.run)

    @on(LessonPane.LinkChosen)
    def _on_link_chosen(self, event: LessonPane.LinkChosen) -> None:
        self.lessons.follow_link(event.link)

    @on(LessonPane.Closed)
    def _on_lesson_closed(self) -> None:
        self.pane_layout.hide_lesson()

    @on(LessonPane.PageTurned)
    def _on_page_turned(self) -> None:
        self.lessons.handle_turned_page()

    # --- what the host reports ------------------------------------------------------------------

    def receive(self, events: Iterable[AnyEvent | Snapshot], is_crowded: bool = False) -> None:
        """Takes in what the host has reported, then shows it once.

        Args:
            is_crowded: whether the terminal is behind with reading: slow panes are left out.
        """
        last_failure, note = self.workspace.run.failure, ""
        for event in events:
            self.workspace.receive(event)
            if not isinstance(event, Snapshot):
                self.lessons.handle_event(event, self.workspace.run)
                self.time_travel.handle_event(event)
            if isinstance(event, Logged) and event.source == "host":
                note = event.text
            elif isinstance(event, NetworkChanged):
                self.notify(event.description, title="The network has changed", markup=False)
            elif isinstance(event, AlertRaised) and event.run == self.workspace.run.id:
                self.alerts.show(event)
            elif isinstance(event, Started) and event.note and event.run == self.workspace.run.id:
                self.notify(event.note, title="This run", markup=False)
        if note:
            self.notify(note, severity="warning", markup=False)
        run = self.workspace.run
        self.studies.show(run)
        self.repaint(is_crowded)
        has_failed = run.state == "failed" and run.failure is not last_failure
        if has_failed and run.failure is not None:
            self.run_worker(self.training.explain(run.failure))

    def repaint(self, is_crowded: bool = False) -> None:
        """Shows the workspace."""
        if self.is_mounted:
            self.status.findings = self.diagnosis.count_new_findings()
            workspace = self.workspace
            waiting = copy_text.describe_waiting_changes(workspace.restart_keys)
            owner = workspace.run.id if workspace.is_run_unrelated else ""
            self.status.show(workspace.run, self.lag, waiting, workspace.experiment, owner)
            self.panes.show(self.workspace, self.pane_layout.current, is_crowded)

    # --- where the panes are --------------------------------------------------------------------

    def fit(self, width: int, height: int) -> None:
        """Takes the form for a size now; Textual does so only after a first frame without it."""
        self.pane_layout.width = width
        for size, forms in ((width, WIDTHS), (height, HEIGHTS)):
            self.add_class(max(form for form in forms if form[0] <= size)[1])

    def on_mount(self) -> None:
        """Fills the panes before the first frame; the pinned run is read after it."""
        self.repaint()
        self.set_interval(REFRESH_SECONDS, self.queue.refresh)
        if load_baseline():
            self.run_worker(self.overlay.show_pinned())

    def on_screen_resume(self) -> None:
        """Shows what came while a dialog was open."""
        self.repaint()

    def on_resize(self, event: events.Resize) -> None:
        """Shows panes that are displayed now; the focus comes back with its pane."""
        self.pane_layout.width = event.size.width
        self.call_after_refresh(self._restore_focus)

    def _restore_focus(self) -> None:
        if self.focused is None:
            self.panes.go_to(self.pane_layout.current, self.workspace)
        self.repaint()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Makes the pane in focus the one that a narrow screen shows."""
        name = self.panes.pane_of(event.widget)
        if name is not None and name != self.pane_layout.current:
            self.pane_layout.follow_focus(name)

    def _apply_layout(self) -> None:
        before = self.classes
        for name, is_set in self.pane_layout.classes.items():
            self.set_class(is_set, name, update=False)
        if self.classes != before:
            self.update_node_styles()  # once: all widgets match the style sheet again
        if self.is_running:
            self.call_after_refresh(self.repaint)
