"""Watches the terminal under the lab: when it is gone, or at a signal, the lab ends in time."""

import os
import select
import signal
import termios
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that end the lab."""

END_SECONDS = 5.0
"""Seconds in which the lab may end in good order, for which the terminal has to take output."""

HANG_UP_EVENTS = select.POLLHUP | select.POLLERR
"""What `poll` reports of a terminal that has hung up, whether or not SIGHUP was sent."""


class TerminalWatch:
    """A thread that waits for signals and for the end of the terminals.

    Everything else may be stuck by then: the event loop waits for the thread that writes to a
    terminal that takes nothing, and reading from one that is gone returns nothing, at once.

    Args:
        leave: asks the lab, from any thread, to end with an exit code.
        give_up: called in the thread if the lab has not ended in time, before the process ends.
        terminals: descriptors that the lab reads and writes.
    """

    def __init__(
        self, leave: Callable[[int], None], give_up: Callable[[], None], terminals: Iterable[int]
    ) -> None:
        self.exit_code = 0
        "That of the signal that came, SIGHUP if the terminal is gone; 0 before that."
        self._leave, self._give_up = leave, give_up
        self._terminals = [os.dup(number) for number in terminals if os.isatty(number)]
        self._is_over = threading.Event()
        self._wake_reader, self._wake_writer = os.pipe()
        os.set_blocking(self._wake_writer, False)
        self._attributes: dict[int, list[Any]] = {}
        for terminal in self._terminals:
            with suppress(termios.error):  # it is gone already
                self._attributes[terminal] = termios.tcgetattr(terminal)
        self._thread = threading.Thread(target=self._watch, name="terminal-watch", daemon=True)

    def start(self) -> None:
        """Starts to watch, from the main thread, once the lab can be asked to end."""
        for number in SIGNALS:
            signal.signal(number, self._on_signal)
        self._thread.start()

    def __enter__(self) -> "TerminalWatch":
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the watch, since the lab has ended."""
        if self._is_gone():
            self.exit_code = self.exit_code or 128 + signal.SIGHUP
        self._is_over.set()
        if self._thread.is_alive():
            self._wake(0)
            self._thread.join()
        for descriptor in (*self._terminals, self._wake_reader, self._wake_writer):
            os.close(descriptor)

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        self._wake(number)

    def _wake(self, number: int) -> None:
        with suppress(OSError):  # full of earlier signals
            os.write(self._wake_writer, bytes([number]))

    def _watch(self) -> None:
        """Waits for the first reason to end the lab, then for its end."""
        poll = self._make_poll(self._terminals)
        poll.register(self._wake_reader, select.POLLIN)
        while not self._is_over.is_set():
            for descriptor, event in poll.poll():
                if descriptor == self._wake_reader:
                    number = os.read(descriptor, 1)[0]
                    self.exit_code = 128 + number if number else 0
                elif event & HANG_UP_EVENTS:
                    self.exit_code = 128 + signal.SIGHUP
                else:  # a system that cannot poll terminals
                    poll.unregister(descriptor)
            if self.exit_code:
                self._end()
                return

    def _end(self) -> None:
        self._leave(self.exit_code)
        if self._is_over.wait(END_SECONDS):
            return
        with suppress(Exception):  # the lab may be in any state
            self._give_up()
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTTOU])  # it may be in the background
        for terminal, attributes in self._attributes.items():
            with suppress(termios.error):
                termios.tcsetattr(terminal, termios.TCSANOW, attributes)
        os._exit(self.exit_code)

    def _is_gone(self) -> bool:
        return any(event & HANG_UP_EVENTS for _, event in self._make_poll(self._terminals).poll(0))

    @staticmethod
    def _make_poll(descriptors: Iterable[int]) -> "select.poll":
        poll = select.poll()
        for descriptor in descriptors:
            poll.register(descriptor, 0)
        return poll
