"""What Textual and the charts read from the environment: import this before them.

Over SSH every frame crosses the wire, so that fewer frames and no animations are right there.
Whatever the person has set stands.
"""

import os

from tuilab.ui.terminal.terminal import is_ascii


def settings() -> dict[str, str]:
    """Frame rate, animations and signs for this terminal."""
    chosen = {"TEXTUAL_ANIMATIONS": "none"}
    if os.environ.get("SSH_CONNECTION"):
        chosen |= {"TEXTUAL_FPS": "30", "TEXTUAL_SMOOTH_SCROLL": "0"}
    if is_ascii():
        chosen["TUILAB_GLYPHS"] = "ascii"
    return chosen


for _name, _value in settings().items():
    os.environ.setdefault(_name, _value)
