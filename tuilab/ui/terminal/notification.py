"""The bell of a terminal, and desktop notifications by it, also over SSH: OSC 9 and OSC 777."""

import os

from tuilab.core.printable import escape_line
from tuilab.ui.terminal.passthrough import wrap_for_tmux

TITLE = "tuilab"

ONLY_OSC_9 = ("iterm",)
ONLY_OSC_777 = ("wezterm", "ghostty", "kitty", "foot", "rxvt", "vte")
"""Terminals by their names in TERM_PROGRAM and TERM. Some know both and would notify twice."""

MAX_CHARACTERS = 300


def alert_sequence(text: str) -> str:
    """Returns the sequence that rings the bell and notifies; a terminal ignores what it lacks."""
    text = escape_line(text)[:MAX_CHARACTERS]
    return "\a" + "".join(map(wrap_for_tmux, _list_notifications(text)))


def _list_notifications(text: str) -> list[str]:
    # In OSC 9 a number and a semicolon would be another function, and in 777 it ends the title.
    simple = f"\x1b]9;{TITLE}: {text}\x1b\\"
    titled = f"\x1b]777;notify;{TITLE};{text.replace(';', ',')}\x1b\\"
    if _is_any_of(ONLY_OSC_9):
        return [simple]
    return [titled] if _is_any_of(ONLY_OSC_777) else [simple, titled]


def _is_any_of(names: tuple[str, ...]) -> bool:
    variables = [os.environ.get(name, "") for name in ("TERM_PROGRAM", "TERM")]
    if os.environ.get("VTE_VERSION"):
        variables.append("vte")
    known = " ".join(variables).lower()
    return any(name in known for name in names)
