"""The app: it owns the link to the host, a timer that polls it, and the terminal while it runs."""

import asyncio
import gc
import shutil
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import tuilab.ui.terminal.environment  # isort: skip  # noqa: F401  before Textual, which reads it at once
from textual.app import SystemCommand
from textual.binding import Binding
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Resize
from textual.filter import LineFilter
from textual.geometry import Size
from textual.markup import escape
from textual.screen import Screen

from tuilab.core.crash_report import report_crash
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.last_opened import LastOpened, name_file, save_last_opened
from tuilab.core.protocol.commands import AnyCommand, SetAlerts
from tuilab.host.link import Link, spawn_host
from tuilab.ui import keymap, themes
from tuilab.ui.screens.main import MainScreen
from tuilab.ui.terminal import clipboard, notification, terminal
from tuilab.ui.terminal.glyphs import ASCII, get_glyphs
from tuilab.ui.terminal.key_queue import KeyQueueApp
from tuilab.ui.terminal.lab_driver import LabDriver
from tuilab.ui.terminal.printable_lines import PrintableLines
from tuilab.ui.terminal.terminal import PrintedLines
from tuilab.ui.terminal.terminal_watch import TerminalWatch
from tuilab.ui.workspace import Workspace

if TYPE_CHECKING:
    from textual.command import Provider

POLL_INTERVAL = 0.25
"""Seconds between two polls of the link."""

LAG_INTERVAL = 0.05
"""Seconds between two measurements of the lag."""

ANSWER_DELAY = 0.04
"""Seconds after a command at which the link is polled for an answer."""

MAX_WAITING_FRAMES = 6
"""When more frames wait for a slow terminal, charts are left out."""

KEY_WIDTH = 8
"""Columns of the keys of an action in the palette."""

PRINTABLE_LINES = PrintableLines()
"""One filter: Textual keeps its results by identity."""


def _load_palette() -> "type[Provider]":
    """Returns what lists the commands of the palette, which the first frame does not need."""
    from tuilab.ui.screens.palette import OrderedCommands

    return OrderedCommands


class TuilabApp(KeyQueueApp):
    """The lab on a terminal."""

    TITLE = "tuilab"
    CSS_PATH = "tuilab.tcss"
    COMMANDS: ClassVar = {_load_palette}

    def __init__(
        self,
        link: Link,
        experiment: Experiment | None,
        path: Path | None = None,
        *,
        respawn: Callable[[], Link] = spawn_host,
        lesson: str = "",
        note: str = "",
        is_listing_runs: bool = False,
    ) -> None:
        """Initializes the app.

        Args:
            experiment: what to open; None for that of the run that the link is attached to.
            path: the file of the experiment.
            respawn: starts a new host when the one of the link is gone.
            lesson: the name of a lesson to open.
            note: a line about what is opened, shown until a run starts.
            is_listing_runs: whether the screen of all runs is shown first.
        """
        super().__init__(ansi_color=themes.has_no_color() or None)
        for theme in (themes.DARK, themes.LIGHT):
            self.register_theme(theme)
        self.link = link
        self.printed = PrintedLines()
        self.crash_report = ""
        self.terminal_watch: TerminalWatch | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self._respawn, self._lesson, self._note = respawn, lesson, note
        self._is_listing_runs = is_listing_runs
        self._is_host_lost = False
        self._skipped_polls = 0
        self._lags: deque[float] = deque(maxlen=round(1 / LAG_INTERVAL))
        workspace = Workspace(experiment, path)
        workspace.note = note
        self.main_screen = MainScreen(
            workspace,
            self.send,
            lambda: self.link.run_survives_exit,
            self.leave_run,
            self.take_link,
            self.ring,
        )
        self.left_runs: list[str] = []
        "Runs that go on in their hosts, without this lab."
        name = themes.ANSI_THEME if themes.needs_ansi_theme() else themes.load_theme_name()
        self.theme = name if name in self.available_themes else themes.DARK.name

    def get_driver_class(self) -> type[Driver]:
        """Returns what reads and writes the terminal."""
        default = super().get_driver_class()
        return LabDriver if default is LinuxDriver else default

    def get_default_screen(self) -> Screen[None]:
        """Returns the main screen, laid out for this terminal from its first frame on."""
        self.main_screen.fit(*self.size)
        return self.main_screen

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Returns what every line of every widget passes on its way to the terminal."""
        return [*super().get_line_filters(), PRINTABLE_LINES]

    def on_mount(self) -> None:
        """Starts the timers, and saves the theme from now on."""
        self.theme_changed_signal.subscribe(self, lambda theme: self._save_theme(theme.name))
        # Back from the shell, the terminal has lost its content; Textual sends only changes.
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))
        self.set_interval(POLL_INTERVAL, self.poll)
        self.call_after_refresh(_collect_garbage)
        if self._is_listing_runs:
            self.call_after_refresh(self.main_screen.action_dispatch, "runs.open")
        if self._lesson:
            open_lesson = self.main_screen.action_dispatch
            self.call_after_refresh(open_lesson, "lessons.open", self._lesson, self._note)
        self.loop = loop = asyncio.get_running_loop()
        self._measure_lag(loop, loop.time())
        if self.terminal_watch is not None:
            self.terminal_watch.start()
        if not self.is_headless:
            loop.add_signal_handler(signal.SIGWINCH, self._measure_terminal)

    def _measure_terminal(self) -> None:
        """Posts the size of the terminal from the event loop.

        Textual posts it from within the signal, where the next signal may overtake this one.
        """
        if not getattr(self._driver, "_in_band_window_resize", False):
            size = Size(*shutil.get_terminal_size())
            self.post_message(Resize(size, size))

    def on_resize(self, event: Resize) -> None:
        """Repaints all where the size is the old one again: the terminal has cut some of it off."""
        if self.screen.size == event.size:
            self.screen.refresh()

    def _save_theme(self, name: str) -> None:
        if name == themes.ANSI_THEME:
            return
        try:
            themes.save_theme_name(name)
        except OSError as error:
            self.notify(f"The theme was not saved: {error.strerror}", severity="warning")

    def _measure_lag(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        """Measures how late this call is: that is how late the answer to a key would be."""
        now = loop.time()
        self._lags.append(max(0.0, now - due))
        self.main_screen.lag = max(self._lags)
        if self.is_running:
            loop.call_later(LAG_INTERVAL, self._measure_lag, loop, now + LAG_INTERVAL)

    def poll(self) -> None:
        """Takes in what the host has reported, and repaints once."""
        is_crowded = self._is_crowded()
        self._skipped_polls = self._skipped_polls + 1 if is_crowded else 0
        if self._skipped_polls % round(1 / POLL_INTERVAL):
            return
        self.main_screen.panes.log_pane.add_printed(self.printed)
        self.main_screen.receive(self.link.events(), is_crowded)
        if self.link.lost_reason and not self._is_host_lost:
            self._is_host_lost = True
            self.main_screen.action_dispatch("training.report_lost_host", self.link.lost_reason)
        elif not is_crowded:
            for request in self.main_screen.panes.requests(self.main_screen.workspace):
                self.link.send(request)

    def _is_crowded(self) -> bool:
        """Whether the terminal is behind with reading."""
        writer = getattr(self._driver, "_writer_thread", None)
        queue = getattr(writer, "_queue", None)
        return queue is not None and queue.qsize() > MAX_WAITING_FRAMES

    def send(self, command: AnyCommand) -> None:
        """Sends a command; where the host is gone, to a new one."""
        if self.link.lost_reason:
            self._take_new_host()
        self.link.send(command)
        self.set_timer(ANSWER_DELAY, self.poll)

    def leave_run(self) -> None:
        """Leaves the run to its host, and goes on with a new one."""
        self.left_runs.append(self.main_screen.workspace.run.id)
        self._take_new_host()

    def take_link(self, link: Link) -> None:
        """Goes on with another host; a run in the one before goes on without this lab."""
        self.link.close()
        self.link, self._is_host_lost = link, False

    def _take_new_host(self) -> None:
        self.take_link(self._respawn())
        if requests := self.main_screen.workspace.run.alerts:
            self.link.send(SetAlerts(requests))

    def get_key_display(self, binding: Binding) -> str:
        """Returns the keys of a binding as the terminal can show them."""
        key_text = super().get_key_display(binding)
        return key_text.replace("⏎", "enter") if get_glyphs() is ASCII else key_text

    def copy_to_clipboard(self, text: str) -> None:
        """Copies text to the clipboard of the terminal, also through tmux."""
        self._clipboard = text
        if self._driver is not None:
            self._driver.write(clipboard.copy_sequence(text))

    def ring(self, text: str) -> None:
        """Rings the bell of the terminal, and notifies the user of a text through it."""
        if self._driver is not None:
            self._driver.write(notification.alert_sequence(text))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Yields what the palette offers: all actions, of the pane in focus first, and presets."""
        focused = self.main_screen.focused
        path = focused.ancestors_with_self if focused is not None else []
        panes = {node for node in path if node is not self.main_screen}
        actions = keymap.list_actions(self.main_screen)
        for action in sorted(actions, key=lambda action: action.node not in panes):
            is_elsewhere = action.binding.id in ("view.palette", "lab.suspend")
            if not is_elsewhere and keymap.is_available(action):
                title = f"{action.section}: {action.binding.description}"
                description = f"{', '.join(action.keys):<{KEY_WIDTH}} {action.binding.tooltip}"
                call = partial(self.run_action, action.binding.action, action.node)
                yield SystemCommand(title, description, call)
        open_preset = partial(self.main_screen.action_dispatch, "files.open_preset")
        for preset in toml_file.find_presets().values():
            call_open = partial(open_preset, preset.path)
            yield SystemCommand(
                escape(f"Open: {preset.title}"), escape(preset.description), call_open
            )
        yield SystemCommand("Lab: suspend", "Back to the shell; fg comes back here",
                            self.action_suspend_process)  # fmt: skip

    async def action_quit(self) -> None:
        """Asks before a run or edits would be lost."""
        self.main_screen.action_dispatch("files.leave")

    def _handle_exception(self, error: Exception) -> None:
        if self._exception is None:
            self.crash_report = report_crash(error)
        super()._handle_exception(error)

    def _print_error_renderables(self) -> None:
        """Prints nothing: the traceback is in a file, and `run_app` says where."""
        self._exit_renderables.clear()


def watch_terminal(app: TuilabApp) -> TerminalWatch:
    """Returns what ends the lab at a signal, and when its terminal is gone."""

    def leave(code: int) -> None:
        if app.loop is not None:
            with suppress(RuntimeError):  # the lab has ended
                app.loop.call_soon_threadsafe(app.exit, code)

    def give_up() -> None:
        app.link.close()
        remember_opened(app.main_screen)

    return TerminalWatch(leave, give_up, (0, 1))


def _collect_garbage() -> None:
    """Turns collection on from the first frame; what exists by then stays and is not scanned."""
    gc.freeze()
    gc.enable()


def remember_opened(screen: MainScreen) -> None:
    """Saves what is open, for the next `tuilab` without a name."""
    workspace = screen.workspace
    lesson, path, run = screen.lessons.lesson_in_lab, workspace.path, workspace.run
    run_id = run.id if run.started is not None else ""
    name = name_file(path, workspace.experiment) if path is not None else ""
    if lesson:
        last = LastOpened(lesson=lesson, run=run_id)
    elif name:
        last = LastOpened(name=name, run=run_id)
    elif not workspace.is_blank:
        last = LastOpened(experiment=workspace.experiment, run=run_id)
    else:
        return
    with suppress(OSError):  # then the next lab opens what the one before left
        save_last_opened(last)


def run_app(
    link: Link,
    experiment: Experiment | None,
    path: Path | None = None,
    lesson: str = "",
    note: str = "",
    is_listing_runs: bool = False,
) -> int:
    """Shows the lab until the user leaves it; returns the exit code."""
    app = TuilabApp(
        link, experiment, path, lesson=lesson, note=note, is_listing_runs=is_listing_runs
    )
    app.terminal_watch = watch_terminal(app)
    try:
        with app.terminal_watch, terminal.redirect_output(app.printed):
            code = app.run()
    finally:
        app.link.close()
    if app.crash_report:
        print(f"tuilab: the lab crashed: {app.crash_report}", file=sys.stderr)
        return 1
    remember_opened(app.main_screen)
    run, files = app.main_screen.workspace.run, app.main_screen.files
    if run.is_active and app.link.run_survives_exit and not files.is_stopping:
        app.left_runs.append(run.id)
    with suppress(OSError):  # the terminal has hung up
        for left in app.left_runs:
            print(f"{left} goes on in the background. Come back with: tuilab attach {left}")
    return app.terminal_watch.exit_code or code or 0
