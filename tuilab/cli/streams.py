"""The standard streams of the process: what may be written to them, closed ones, readers that have
gone, the terminal's size."""

import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from tuilab.core.printable import escape_controls

STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))
"""The streams by their descriptors, with their modes."""


class PrintableStream:
    """The door of the command line to the terminal: a stream that escapes control characters."""

    def __init__(self, raw: TextIO) -> None:
        self.raw = raw
        "The stream itself, for what moves the cursor on purpose."

    def write(self, text: str) -> int:
        """Writes text in which control characters are escapes."""
        return self.raw.write(escape_controls(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.raw, name)


@contextmanager
def escape_output() -> Iterator[None]:
    """Escapes what is printed to stdout and stderr, whoever prints it."""
    streams = sys.stdout, sys.stderr
    doors = PrintableStream(sys.stdout), PrintableStream(sys.stderr)
    sys.stdout, sys.stderr = doors
    try:
        yield
    finally:
        if (sys.stdout, sys.stderr) == doors:
            sys.stdout, sys.stderr = streams


def get_raw_stream(stream: TextIO) -> TextIO:
    """Returns the stream behind the door; who writes to it escapes text from elsewhere."""
    return stream.raw if isinstance(stream, PrintableStream) else stream


def open_closed_streams() -> None:
    """Opens on /dev/null what was closed (`>&-`); else the next file would get its descriptor."""
    for descriptor, (name, mode) in enumerate(STREAMS):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free descriptor: this one
            os.set_inheritable(descriptor, True)
            stream = os.fdopen(descriptor, mode, encoding="utf-8", closefd=False)
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)


def forget_exported_size() -> None:
    """Removes COLUMNS and LINES where stdout is a terminal: it knows its size, they may be old."""
    with suppress(OSError):  # not a terminal
        if all(os.get_terminal_size(1)):
            for name in ("COLUMNS", "LINES"):
                os.environ.pop(name, None)


def has_hung_up(stream: TextIO) -> bool:
    """Returns whether a stream leads to a terminal that is gone."""
    try:
        poll = select.poll()
        poll.register(stream.fileno(), 0)
        return any(event & select.POLLHUP for _, event in poll.poll(0))
    except (OSError, ValueError):  # it has no descriptor, or is closed
        return False


def discard_output() -> None:
    """Redirects stdout to /dev/null, so that what is still buffered cannot fail again."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)


def flush_or_discard() -> None:
    """Writes what is buffered; discards it if no one reads it."""
    try:
        sys.stdout.flush()
    except OSError:
        discard_output()
