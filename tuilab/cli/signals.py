"""Signals that end a command in good order."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tuilab.cli import exit_codes


@contextmanager
def interrupt_on_signals(
    received: list[int], interrupt: Callable[[], object], abandon: Callable[[], object]
) -> Iterator[None]:
    """Ends what runs inside in good order on the first signal, and the process on the second.

    Args:
        received: gets the first signal.
        interrupt: called on the first signal.
        abandon: called on the second one, before the process ends at once.
    """

    def handle(number: int, _: object) -> None:
        if received:
            abandon()
            os._exit(exit_codes.signal_code(number))
        received.append(number)
        interrupt()

    signals = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
    # A signal that is ignored, as SIGHUP under nohup, stays ignored.
    signals = [number for number in signals if signal.getsignal(number) != signal.SIG_IGN]
    handlers = [signal.signal(number, handle) for number in signals]
    try:
        yield
    finally:
        for number, handler in zip(signals, handlers, strict=True):
            signal.signal(number, handler)
