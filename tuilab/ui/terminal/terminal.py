"""The terminal under the lab: may it be used, who writes to it, and what libraries print.

Textual gets the terminal for itself; descriptors 1 and 2 lead into a pipe while the lab is on
screen, so that neither a stray print nor a C library's warning can tear it.
"""

import codecs
import os
import re
import sys
import threading
import unicodedata
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper

KEPT = 2000
"""Printed lines that wait for the log pane; older ones are dropped, and counted."""

ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[PX^_].*?\x1b\\|[@-Z\\-_])"
)
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

ASCII = str.maketrans(
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
        "●": "*", "○": "o", "◯": "o", "◉": "@", "‖": "=", "✓": "+", "✗": "x", "✔": "+", "✘": "x",
        "▸": ">", "▶": ">", "◂": "<", "◀": "<", "▾": "v", "▼": "v", "▴": "^", "▲": "^",
        "→": ">", "←": "<", "↑": "^", "↓": "v", "×": "x", "≥": ">", "≤": "<", "≈": "~",
        "–": "-", "—": "-", "−": "-", "’": "'", "‘": "'", "“": '"', "”": '"', "⏎": "<",
        "▰": "#", "▱": "-", "■": "#", "□": "-", "▪": "#", "◆": "*", "◇": "o", "⚠": "!",
    }
)  # fmt: skip


def usable() -> str:
    """Why the lab cannot be shown on this terminal; empty if it can."""
    if os.environ.get("TEXTUAL_DRIVER"):
        return ""
    if os.environ.get("TERM", "").lower() in ("dumb", "unknown"):
        return "TERM=dumb: this terminal cannot place text"
    for stream, name in ((sys.stdin, "input"), (sys.stdout, "output")):
        if stream is None or not stream.isatty():
            return f"standard {name} is no terminal"
    return ""


def is_ascii() -> bool:
    """Whether the locale says that the terminal shows no more than ASCII.

    A locale that is not set says nothing: most such terminals are UTF-8 by now.
    """
    names = (os.environ.get(name, "") for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    locale = next((name for name in names if name), "UTF-8").lower()
    return "utf-8" not in locale and "utf8" not in locale


def to_ascii(text: str) -> str:
    """The text in ASCII, every character as wide as it was."""
    if text.isascii():
        return text
    return "".join(map(_to_ascii, text.translate(ASCII)))


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
    """A text file that says everything in ASCII."""

    def write(self, text: str, /) -> int:
        """Write text, translated."""
        return super().write(to_ascii(text))


class Printed:
    """Text as it was printed, as lines; a carriage return begins its line again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: deque[tuple[str, bool]] = deque()
        self._dropped = 0
        self._line = ""
        self._returned = False
        self._shown = False

    def feed(self, text: str) -> None:
        """Take printed text in, whole lines or not."""
        with self._lock:
            for part in re.split(r"(\n|\r)", ESCAPES.sub("", text)):
                self._take(part)
            if self._line:
                self._show()

    def _take(self, part: str) -> None:
        if part == "\r":
            self._returned = True
        elif part == "\n":
            self._show()
            self._line, self._returned, self._shown = "", False, False
        elif part:
            text = CONTROLS.sub("", part).expandtabs(4)
            self._line = text if self._returned else self._line + text
            self._returned = False

    def _show(self) -> None:
        if self._shown and self._lines:
            self._lines[-1] = (self._line, self._lines[-1][1])
        else:
            self._lines.append((self._line, self._shown))
        self._shown = True
        if len(self._lines) > KEPT:
            self._lines.popleft()
            self._dropped += 1

    def take(self) -> list[tuple[str, bool]]:
        """The lines since the last call; True with those that replace the line before."""
        with self._lock:
            lines = list(self._lines)
            self._lines.clear()
            if self._dropped:
                lines.insert(0, (f"({self._dropped} printed lines were dropped)", False))
                self._dropped = 0
            return lines


@contextmanager
def owned(printed: Printed) -> Iterator[None]:
    """Keep the terminal for Textual; what anybody prints to 1 and 2 goes to `printed`."""
    if os.environ.get("TEXTUAL_DRIVER"):
        yield
        return
    sys.stdout.flush()
    sys.stderr.flush()
    saved, streams = (os.dup(1), os.dup(2)), (sys.__stdout__, sys.__stderr__)
    screen = _screen(os.dup(1))
    reading, writing = os.pipe()
    drain = threading.Thread(target=_drain, args=(reading, printed), name="printed", daemon=True)
    drain.start()
    try:
        sys.__stdout__ = sys.__stderr__ = screen  # type: ignore[misc]
        os.dup2(writing, 1)
        os.dup2(writing, 2)
        os.close(writing)
        yield
    finally:
        sys.__stdout__, sys.__stderr__ = streams  # type: ignore[misc]
        for descriptor, old in zip((1, 2), saved, strict=True):
            os.dup2(old, descriptor)
            os.close(old)
        drain.join(timeout=1)
        _close(screen)


def _screen(descriptor: int) -> TextIOWrapper:
    """The terminal as a file of its own, in UTF-8 or ASCII whatever Python thinks of it."""
    binary = os.fdopen(descriptor, "wb")
    kind = AsciiFile if is_ascii() else TextIOWrapper
    return kind(binary, encoding="utf-8", errors="replace")


def _close(screen: TextIOWrapper) -> None:
    try:
        screen.close()
    except OSError:
        return  # the terminal has hung up; there is nobody left to write to


def _drain(reading: int, printed: Printed) -> None:
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        while chunk := pipe.read(65536):
            printed.feed(decode(chunk))
