"""Signals that end a command in good order."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from typing import Any

from tuilab.cli import exit_codes

OUTPUT_SECONDS = 2.0
"""Seconds that output has after a signal; a reader that takes nothing must not hold up the end."""


class BlockedOutputError(OSError):
    """No one takes the output, and a signal asks for the end."""


def _do_nothing() -> None:
    """Does nothing."""


class SignalHandlers:
    """Ends what runs inside in good order on the first signal, and the process on the second."""

    def __init__(
        self,
        received: list[int],
        interrupt: Callable[[], object] = _do_nothing,
        abandon: Callable[[], object] = _do_nothing,
    ) -> None:
        """Initializes the handlers.

        Args:
            received: gets the first signal.
            interrupt: called on the first signal.
            abandon: called on the second one, before the process ends at once.
        """
        self._received, self._interrupt, self._abandon = received, interrupt, abandon
        self._printing_since = inf
        numbers = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
        # A signal that is ignored, as SIGHUP under nohup, stays ignored.
        self._numbers = [n for n in numbers if signal.getsignal(n) != signal.SIG_IGN]
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> "SignalHandlers":
        for number in self._numbers:
            self._previous[number] = signal.signal(number, self._handle)
        self._previous[signal.SIGALRM] = signal.signal(signal.SIGALRM, self._check_output)
        return self

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    @contextmanager
    def while_printing(self) -> Iterator[None]:
        """Raises BlockedOutputError in the block, if it is stuck after a signal has come."""
        self._printing_since = time.monotonic()
        try:
            yield
        finally:
            self._printing_since = inf

    def _handle(self, number: int, _: object) -> None:
        if self._received:
            self._abandon()
            os._exit(exit_codes.signal_code(number))
        self._received.append(number)
        self._interrupt()
        signal.setitimer(signal.ITIMER_REAL, OUTPUT_SECONDS, OUTPUT_SECONDS / 4)

    def _check_output(self, *_: object) -> None:
        if time.monotonic() - self._printing_since >= OUTPUT_SECONDS:
            raise BlockedOutputError
