"""The one door: what was typed, to the room that does it, and back as an exit code.

The way to the lab goes past Typer, so that the first frame does not wait for it.
"""

import gc
import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper

from tuilab.cli.exit_codes import BAD_INPUT, COMMANDS, FAILED, INTERRUPTED, complain
from tuilab.core.errors import InputError

OWN_OPTIONS = ("--help", "-h", "--version", "--install-completion", "--show-completion")
"""Options of `tuilab` itself, without a command."""


def main() -> None:
    """Run the command line of this process and exit."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a locale without ≤ or ö gets a question mark
    code = run(sys.argv[1:])
    if "torch" in sys.modules:
        # A thread may be inside PyTorch yet, and Python's own end would crash under it.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def run(words: Sequence[str]) -> int:
    """Do what the words of a command line ask; the exit code."""
    try:
        return _dispatch(list(words))
    except InputError as error:
        return complain(str(error), BAD_INPUT)
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        what = error.strerror or str(error)
        return complain(f"{error.filename}: {what}" if error.filename else what, FAILED)


def _dispatch(words: list[str]) -> int:
    """`tuilab`, `tuilab spiral` and `tuilab --in-process` are short for `tuilab open ...`."""
    first = words[0] if words else ""
    is_short = first not in COMMANDS and not first.startswith(OWN_OPTIONS)
    if is_short and len(words) <= 1 and not first.startswith("-") and not _completes():
        gc.disable()  # until the first frame: of what is imported nothing can be collected
        try:
            from tuilab.cli.open import open_lab

            return open_lab(first)
        finally:
            gc.enable()
    from tuilab.cli import app

    return app.run(["open", *words] if is_short and words else words)


def _completes() -> bool:
    """Whether a shell asks what could be typed next."""
    return "_TUILAB_COMPLETE" in os.environ
