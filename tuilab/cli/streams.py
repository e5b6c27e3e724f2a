"""The standard streams of the process: closed ones, readers that have gone, the terminal's size."""

import os
import sys
from contextlib import suppress

STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))
"""The streams by their descriptors, with their modes."""


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
