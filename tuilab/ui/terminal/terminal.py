"""The terminal under the lab: whether it can be used, who writes to it, and what libraries print.

Only Textual writes to the terminal; descriptors 1 and 2 lead into a pipe while the lab is on the
screen, so that neither a stray print nor a warning of a C library can damage it.
"""

import codecs
import os
import re
import select
import sys
import threading
import unicodedata
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedWriter, FileIO, TextIOWrapper
from typing import Any

MAX_PRINTED_LINES = 2000
"""Printed lines that wait for the log pane; older ones are dropped and counted."""

ESCAPE_SEQUENCE = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[PX^_].*?\x1b\\|[@-Z\\-_])"
)
CONTROL_CHARACTER = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

ASCII_TABLE = str.maketrans(
    {
        **dict.fromkeys("─╌┄┈╴╶▔▁╭╮╰╯┌┐└┘├┤┬┴┼╞╡╪╟╢╫", "-"),
        **dict.fromkeys("│╎┆┊╵╷▏▕▎▍", "|"),
        **dict.fromkeys("╭╮╰╯┌┐└┘├┤┬┴┼", "+"),
        **dict.fromkeys("━═╸╺╾╼", "="),
        **dict.fromkeys("┃║┏┓┗┛┣┫┳┻╋╔╗╚╝╠╣╦╩╬▌▐▋▊▉", "#"),
        **dict.fromkeys("█▓▇▆", "#"),
        **dict.fromkeys("▒▅▄▀", "+"),
        **dict.fromkeys("░▂▃", ":"),
        **dict.fromkeys("·•∙⋅…", "."),
        "●": "*", "○": "o", "◌": "o", "◯": "o", "◉": "@", "‖": "=", "✓": "+", "✗": "x", "✔": "+",
        "✘": "x",
        "▸": ">", "▶": ">", "◂": "<", "◀": "<", "▾": "v", "▼": "v", "▴": "^", "▲": "^",
        "→": ">", "←": "<", "↑": "^", "↓": "v", "×": "x", "≥": ">", "≤": "<", "≈": "~",
        "–": "-", "—": "-", "−": "-", "’": "'", "‘": "'", "“": '"', "”": '"', "⏎": "<",
        "▰": "#", "▱": "-", "■": "#", "□": "-", "▪": "#", "◆": "*", "◇": "o", "⚠": "!",
    }
)  # fmt: skip


def unusable_reason() -> str:
    """Returns why the lab cannot be shown on this terminal; empty if it can."""
    if os.environ.get("TEXTUAL_DRIVER"):
        return ""
    if os.environ.get("TERM", "").lower() in ("dumb", "unknown"):
        return "TERM=dumb: this terminal cannot place text"
    for stream, name in ((sys.stdin, "input"), (sys.stdout, "output")):
        if stream is None or not stream.isatty():
            return f"standard {name} is not a terminal"
    return ""


def is_ascii() -> bool:
    """Returns whether the locale says that the terminal shows no more than ASCII.

    A locale that is not set says nothing: most such terminals are UTF-8 by now.
    """
    names = (os.environ.get(name, "") for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    locale = next((name for name in names if name), "UTF-8").lower()
    return "utf-8" not in locale and "utf8" not in locale


def to_ascii(text: str) -> str:
    """Returns the text in ASCII, every character as wide as it was."""
    if text.isascii():
        return text
    return "".join(map(_to_ascii, text.translate(ASCII_TABLE)))


def _to_ascii(character: str) -> str:
    if character.isascii():
        return character
    if 0x2800 <= ord(character) <= 0x28FF:
        dots = (ord(character) - 0x2800).bit_count()
        return " .::++##@"[dots]
    plain = unicodedata.normalize("NFKD", character)[0]
    if plain.isascii():
        return plain
    return "??" if unicodedata.east_asian_width(character) in "WF" else "?"


class AsciiFile(TextIOWrapper):
    """A text file that translates what is written to ASCII."""

    def write(self, text: str, /) -> int:
        """Writes text in ASCII."""
        return super().write(to_ascii(text))


class TerminalOutput(FileIO):
    """What is written to the terminal; it is dropped once the terminal is gone.

    An error would end the thread that writes, and everything that draws would wait for it.
    """

    def write(self, content: Any, /) -> int:
        """Writes bytes, and waits where another program has made the terminal non-blocking."""
        try:
            while (count := super().write(content)) is None:
                select.select([], [self], [])
            return count
        except OSError:
            return memoryview(content).nbytes


class PrintedLines:
    """Printed text as lines; after a carriage return a line is written again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: deque[tuple[str, bool]] = deque()
        self._dropped_count = 0
        self._line = ""
        self._is_returned = False
        "The last character was a carriage return."
        self._is_added = False
        "The present line is among the lines already, as far as it was printed."

    def feed(self, text: str) -> None:
        """Takes in printed text, whole lines or not."""
        with self._lock:
            for part in re.split(r"(\n|\r)", ESCAPE_SEQUENCE.sub("", text)):
                self._feed(part)
            if self._line:
                self._add()

    def _feed(self, part: str) -> None:
        if part == "\r":
            self._is_returned = True
        elif part == "\n":
            self._add()
            self._line, self._is_returned, self._is_added = "", False, False
        elif part:
            text = CONTROL_CHARACTER.sub("", part).expandtabs(4)
            self._line = text if self._is_returned else self._line + text
            self._is_returned = False

    def _add(self) -> None:
        if self._is_added and self._lines:
            self._lines[-1] = (self._line, self._lines[-1][1])
        else:
            self._lines.append((self._line, self._is_added))
        self._is_added = True
        if len(self._lines) > MAX_PRINTED_LINES:
            self._lines.popleft()
            self._dropped_count += 1

    def pop_lines(self) -> list[tuple[str, bool]]:
        """Returns the lines since the last call, each with whether it replaces the line before."""
        with self._lock:
            lines = list(self._lines)
            self._lines.clear()
            if self._dropped_count:
                lines.insert(0, (f"({self._dropped_count} printed lines were dropped)", False))
                self._dropped_count = 0
            return lines


@contextmanager
def redirect_output(printed: PrintedLines) -> Iterator[None]:
    """Keeps the terminal for Textual; what is printed to descriptors 1 and 2 goes to `printed`."""
    if os.environ.get("TEXTUAL_DRIVER"):
        yield
        return
    sys.stdout.flush()
    sys.stderr.flush()
    saved, streams = (os.dup(1), os.dup(2)), (sys.__stdout__, sys.__stderr__)
    screen = _screen(os.dup(1))
    read_end, write_end = os.pipe()
    drain = threading.Thread(target=_drain, args=(read_end, printed), name="printed", daemon=True)
    drain.start()
    try:
        sys.__stdout__ = sys.__stderr__ = screen  # type: ignore[misc]
        os.dup2(write_end, 1)
        os.dup2(write_end, 2)
        os.close(write_end)
        yield
    finally:
        sys.__stdout__, sys.__stderr__ = streams  # type: ignore[misc]
        for descriptor, old in zip((1, 2), saved, strict=True):
            os.dup2(old, descriptor)
            os.close(old)
        drain.join(timeout=1)
        screen.close()


def _screen(descriptor: int) -> TextIOWrapper:
    """Returns the terminal as a file of its own, in UTF-8 or ASCII whatever Python assumes."""
    binary = BufferedWriter(TerminalOutput(descriptor, "w"))
    kind = AsciiFile if is_ascii() else TextIOWrapper
    return kind(binary, encoding="utf-8", errors="replace")


def _drain(descriptor: int, printed: PrintedLines) -> None:
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    with os.fdopen(descriptor, "rb", buffering=0) as pipe:
        while chunk := pipe.read(65536):
            printed.feed(decode(chunk))
