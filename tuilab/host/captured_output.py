"""What this process prints, by Python or by C, as lines for the log pane."""

import os
import re
import sys
import time

MOST_LINES = 200
"""Lines a second that are let through; a library in a frenzy must not flood the viewers."""

_ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|.)")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class Output:
    """Standard output and error, turned into a pipe that is read here."""

    def __init__(self) -> None:
        self._pipe, printing = os.pipe()
        os.set_blocking(self._pipe, False)
        for stream in (1, 2):
            os.dup2(printing, stream)
        os.close(printing)
        # New ones: the old may think of their file as one that can be sought in.
        sys.stdout, sys.stderr = (
            os.fdopen(stream, "w", buffering=1, errors="replace", closefd=False)
            for stream in (1, 2)
        )
        self._lines = Lines()

    def fileno(self) -> int:
        """What a selector waits for."""
        return self._pipe

    def read(self) -> list[str]:
        """The lines that are complete by now."""
        try:
            return self._lines.feed(os.read(self._pipe, 65536))
        except BlockingIOError:
            return []


class Lines:
    """Bytes as they are printed, turned into clean lines, not too many a second."""

    def __init__(self) -> None:
        self._buffer = b""
        self._second = 0
        self._count = 0

    def feed(self, piece: bytes) -> list[str]:
        """The lines that are complete with this piece."""
        *complete, self._buffer = (self._buffer + piece).split(b"\n")
        # A progress bar draws over itself for hours without ending its line.
        self._buffer = self._buffer[self._buffer.rfind(b"\r", 0, -1) + 1 :][-65536:]
        lines = (clean(line.decode(errors="replace")) for line in complete)
        return self._limited([line for line in lines if line])

    def _limited(self, lines: list[str]) -> list[str]:
        second = int(time.monotonic())
        left_out = self._count - MOST_LINES if second != self._second else 0
        if second != self._second:
            self._second, self._count = second, 0
        room = max(0, MOST_LINES - self._count)
        self._count += len(lines)
        note = [f"({left_out:,} lines were left out)"] if left_out > 0 else []
        return note + lines[:room]


def clean(line: str) -> str:
    """A line as it would stand on a terminal: what `\\r` drew over, colours and bells are gone.

    >>> clean("10 %\\r\\x1b[32m20 %\\x1b[0m")
    '20 %'
    """
    drawn = [part for part in line.split("\r") if part]
    return _CONTROLS.sub("", _ESCAPES.sub("", drawn[-1] if drawn else "")).rstrip()
