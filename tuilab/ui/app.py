"""The app: it owns the link to the host, one timer, and the terminal while it runs."""

import asyncio
import gc
import os
import shutil
import signal
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import tuilab.ui.terminal.environment  # isort: skip  # noqa: F401  before Textual, which reads it at once
from textual.app import SystemCommand
from textual.events import Resize
from textual.geometry import Size
from textual.screen import Screen

from tuilab.core import paths
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.commands import AnyCommand
from tuilab.host.link import Link, spawn
from tuilab.ui import keymap, themes
from tuilab.ui.screens.main import LabScreen
from tuilab.ui.terminal import clipboard, terminal
from tuilab.ui.terminal.key_queue import OneByOne
from tuilab.ui.terminal.terminal import Printed
from tuilab.ui.workspace import Workspace

TICK = 0.25
"""Seconds between two looks at the link."""

BEAT = 0.05
"""Seconds between two beats of the lag meter."""

SOON = 0.04
"""Seconds after a command at which its answer is looked for."""

CROWDED = 6
"""Frames that wait for a slow terminal, from which on charts are left out."""


class TuilabApp(OneByOne):
    """The lab on a terminal."""

    TITLE = "tuilab"
    CSS_PATH = "tuilab.tcss"

    def __init__(
        self,
        link: Link,
        experiment: Experiment | None,
        path: Path | None = None,
        *,
        respawn: Callable[[], Link] = spawn,
        lesson: str = "",
    ) -> None:
        super().__init__(ansi_color=themes.has_no_colour() or None)
        for theme in (themes.DARK, themes.LIGHT):
            self.register_theme(theme)
        self.link = link
        self.printed = Printed()
        self.crash = ""
        self._respawn, self._lesson = respawn, lesson
        self._is_lost = False
        self._skipped = 0
        self._beats: deque[float] = deque(maxlen=round(1 / BEAT))
        self.lab = LabScreen(Workspace(experiment, path), self.send)
        self._choose_theme()

    @property
    def can_leave(self) -> bool:
        """Whether a run goes on when the lab is closed."""
        return bool(getattr(self.link, "outlives_us", True))

    def _choose_theme(self) -> None:
        name = themes.PLAIN if themes.needs_plain() else themes.remembered()
        self.theme = name if name in self.available_themes else themes.DARK.name

    def get_default_screen(self) -> Screen[None]:
        """The lab is the first screen, laid out for this terminal from its first frame on."""
        self.lab.fit(*self.size)
        return self.lab

    def on_mount(self) -> None:
        """Start the clocks, and remember the theme from now on."""
        self.theme_changed_signal.subscribe(self, lambda theme: self._remember(theme.name))
        # Back from the shell, the terminal has forgotten the picture; Textual sends only changes.
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))
        self.set_interval(TICK, self.tick)
        self.call_after_refresh(_collect_garbage)
        if self._lesson:
            self.call_after_refresh(self.lab.teach, self._lesson)
        loop = asyncio.get_running_loop()
        self._beat(loop, loop.time())
        if not self.is_headless:
            for number in (signal.SIGTERM, signal.SIGHUP):
                loop.add_signal_handler(number, partial(self.exit, 128 + number))
            loop.add_signal_handler(signal.SIGWINCH, self._measure)

    def _measure(self) -> None:
        """Tell the size of the terminal from the event loop.

        Textual tells it from within the signal, where the next signal may overtake this one.
        """
        if not getattr(self._driver, "_in_band_window_resize", False):
            size = Size(*shutil.get_terminal_size())
            self.post_message(Resize(size, size))

    def on_resize(self, event: Resize) -> None:
        """Paint all where the size is the old one again: the terminal has cut some of it off."""
        if self.screen.size == event.size:
            self.screen.refresh()

    def _remember(self, theme: str) -> None:
        if theme == themes.PLAIN:
            return
        try:
            themes.remember(theme)
        except OSError as error:
            self.notify(f"The theme is not remembered: {error.strerror}", severity="warning")

    def _beat(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        """Note how late this call is: that is how late the answer to a key would be."""
        now = loop.time()
        self._beats.append(max(0.0, now - due))
        self.lab.lag = max(self._beats)
        if self.is_running:
            loop.call_later(BEAT, self._beat, loop, now + BEAT)

    def tick(self) -> None:
        """Catch up with the host, then repaint once."""
        slow = self._is_crowded()
        self._skipped = self._skipped + 1 if slow else 0
        if self._skipped % round(1 / TICK):
            return
        self.lab.log_pane.take(self.printed)
        self.lab.receive(self.link.events(), slow=slow)
        if self.link.lost and not self._is_lost:
            self._is_lost = True
            self.lab.lost(self.link.lost)
        elif not slow:
            for question in self.lab.questions():
                self.link.send(question)

    def _is_crowded(self) -> bool:
        """Whether the terminal is behind with reading."""
        writer = getattr(self._driver, "_writer_thread", None)
        queue = getattr(writer, "_queue", None)
        return queue is not None and queue.qsize() > CROWDED

    def send(self, command: AnyCommand) -> None:
        """Send a command; where the host is gone, to a new one."""
        if self.link.lost:
            self.link.close()
            self.link, self._is_lost = self._respawn(), False
        self.link.send(command)
        self.set_timer(SOON, self.tick)

    def copy_to_clipboard(self, text: str) -> None:
        """Put text into the clipboard of the terminal, also through tmux."""
        self._clipboard = text
        if self._driver is not None:
            self._driver.write(clipboard.sequence(text))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """The palette: every action of the lab, and every preset."""
        for action in keymap.every(self.lab):
            if action.binding.action not in ("palette", "app.suspend_process"):
                title = f"{action.place}: {action.binding.description}"
                about = f"{action.binding.tooltip} ({', '.join(action.keys)})"
                call = partial(self.run_action, action.binding.action, action.node)
                yield SystemCommand(title, about, call)
        for preset in toml_file.presets().values():
            call_open = partial(self.lab.open_preset, preset.path)
            yield SystemCommand(f"Open: {preset.title}", preset.about, call_open)
        yield SystemCommand("Lab: suspend", "Back to the shell; fg comes back here",
                            self.action_suspend_process)  # fmt: skip

    async def action_quit(self) -> None:
        """Ask before a run or edits would be lost."""
        self.lab.action_leave()

    def _handle_exception(self, error: Exception) -> None:
        if self._exception is None:
            self.crash = report_crash(error)
        super()._handle_exception(error)

    def _print_error_renderables(self) -> None:
        """Nothing: the traceback is in a file, and `run` says where."""
        self._exit_renderables.clear()


def report_crash(error: Exception) -> str:
    """Write a traceback to a file; what to tell about it."""
    text = "".join(traceback.format_exception(error))
    path = paths.data() / "crashes" / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
    try:
        toml_file.write_atomically(path, text.encode())
    except OSError:
        return text
    return f"{type(error).__name__}; the details are in {path}"


def _collect_garbage() -> None:
    """From the first frame on; what is there by then stays to the end and is not looked at."""
    gc.freeze()
    gc.enable()


def run(
    link: Link, experiment: Experiment | None, path: Path | None = None, lesson: str = ""
) -> int:
    """Show the lab until the person leaves it; the exit code."""
    app = TuilabApp(link, experiment, path, lesson=lesson)
    try:
        with terminal.owned(app.printed):
            code = app.run()
    finally:
        app.link.close()
    if app.crash:
        print(f"tuilab: the lab has failed: {app.crash}", file=sys.stderr)
        return 1
    left = app.lab.workspace.run
    if left.is_active and app.can_leave and not app.lab.is_stopping:
        print(f"{left.id} goes on. Come back with: tuilab attach {left.id}")
    return code or 0
