"""The clipboard of the person's own machine, reached through the terminal (OSC 52)."""

import base64
import os


def sequence(text: str) -> str:
    """What makes a terminal, also at the far end of SSH, take text into its clipboard.

    Inside tmux it is sent twice: plainly, which `set-clipboard on` lets in, and wrapped for the
    terminal around it, which `allow-passthrough on` lets out.
    """
    plain = f"\x1b]52;c;{base64.b64encode(text.encode()).decode()}\a"
    if not os.environ.get("TMUX"):
        return plain
    return plain + "\x1bPtmux;" + plain.replace("\x1b", "\x1b\x1b") + "\x1b\\"
