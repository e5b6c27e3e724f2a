"""Defaults for the variables that Textual and the charts read: import this before them.

Over SSH every frame crosses the network, so that fewer frames and no animations are right there.
What the user has set is kept.
"""

import os

from tuilab.ui.terminal.terminal import is_ascii


def terminal_variables() -> dict[str, str]:
    """Returns frame rate, animations and glyphs for this terminal."""
    variables = {"TEXTUAL_ANIMATIONS": "none"}
    if os.environ.get("SSH_CONNECTION"):
        variables |= {"TEXTUAL_FPS": "30", "TEXTUAL_SMOOTH_SCROLL": "0"}
    if is_ascii():
        variables["TUILAB_GLYPHS"] = "ascii"
    return variables


for _name, _value in terminal_variables().items():
    os.environ.setdefault(_name, _value)
