"""Sequences for the terminal around tmux."""

import os


def wrap_for_tmux(sequence: str) -> str:
    """Returns a sequence that tmux passes on, with `allow-passthrough on`; itself without tmux."""
    if not os.environ.get("TMUX"):
        return sequence
    return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"
