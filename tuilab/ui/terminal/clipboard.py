"""The clipboard of the user's own machine, reached through the terminal (OSC 52)."""

import base64

from tuilab.ui.terminal.passthrough import wrap_for_tmux


def copy_sequence(text: str) -> str:
    """Returns the sequence that makes a terminal, also over SSH, copy text to its clipboard.

    Inside tmux it is sent twice: plainly, which `set-clipboard on` accepts, and wrapped for the
    terminal around it, which `allow-passthrough on` passes on.
    """
    plain = f"\x1b]52;c;{base64.b64encode(text.encode(errors='replace')).decode()}\a"
    wrapped = wrap_for_tmux(plain)
    return plain if wrapped == plain else plain + wrapped
