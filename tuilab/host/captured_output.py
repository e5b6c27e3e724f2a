"""The output of this process, from Python and C, as lines for the log pane."""

import os
import re
import sys
import time

from tuilab.core.format import format_count

MAX_LINES_PER_SECOND = 200
"""More lines are dropped, so that a noisy library does not flood the clients."""

_ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|.)")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class CapturedOutput:
    """Standard output and error, redirected to a pipe."""

    def __init__(self) -> None:
        self._pipe, printing = os.pipe()
        os.set_blocking(self._pipe, False)
        for stream in (1, 2):
            os.dup2(printing, stream)
        os.close(printing)
        # New objects, since the old ones may treat their file as seekable.
        sys.stdout, sys.stderr = (
            os.fdopen(stream, "w", buffering=1, errors="replace", closefd=False)
            for stream in (1, 2)
        )
        self._lines = LineBuffer()

    def fileno(self) -> int:
        """Returns the file descriptor for a selector."""
        return self._pipe

    def read(self) -> list[str]:
        """Returns the lines that are complete by now."""
        try:
            return self._lines.feed(os.read(self._pipe, 65536))
        except BlockingIOError:
            return []


class LineBuffer:
    """Turns printed bytes into clean lines, up to a limit per second."""

    def __init__(self) -> None:
        self._buffer = b""
        self._second = 0
        self._count = 0

    def feed(self, piece: bytes) -> list[str]:
        """Returns the lines that are complete with this piece."""
        *complete, self._buffer = (self._buffer + piece).split(b"\n")
        # A progress bar overwrites its line for hours without ending it.
        self._buffer = self._buffer[self._buffer.rfind(b"\r", 0, -1) + 1 :][-65536:]
        lines = (clean_line(line.decode(errors="replace")) for line in complete)
        return self._limit_lines([line for line in lines if line])

    def _limit_lines(self, lines: list[str]) -> list[str]:
        second = int(time.monotonic())
        dropped = self._count - MAX_LINES_PER_SECOND if second != self._second else 0
        if second != self._second:
            self._second, self._count = second, 0
        room = max(0, MAX_LINES_PER_SECOND - self._count)
        self._count += len(lines)
        note = [f"({format_count(dropped)} lines were dropped)"] if dropped > 0 else []
        return note + lines[:room]


def clean_line(line: str) -> str:
    """Returns a line as it looks on a terminal: without overwritten text, colors and bells.

    >>> clean("10 %\\r\\x1b[32m20 %\\x1b[0m")
    '20 %'
    """
    parts = [part for part in line.split("\r") if part]
    return _CONTROLS.sub("", _ESCAPES.sub("", parts[-1] if parts else "")).rstrip()
