"""The entry point: from the arguments of the process to its exit code.

`tuilab` and `tuilab NAME` go past Typer, whose import takes 100 ms of the time to the first frame.
"""

import gc
import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper

from tuilab.cli.exit_codes import BAD_INPUT, COMMANDS, FAILED, INTERRUPTED, report_error
from tuilab.core.errors import InputError

APP_OPTIONS = ("--help", "-h", "--version", "--install-completion", "--show-completion")
"""Options of `tuilab` itself, without a command."""


def main() -> None:
    """Runs the command line of this process and exits."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a locale without ≤ or ö gets a question mark
    code = run(sys.argv[1:])
    if "torch" in sys.modules:
        # A thread may still be inside PyTorch, where Python's own exit would crash.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Runs the command of a command line; returns the exit code."""
    try:
        return _dispatch(list(arguments))
    except InputError as error:
        return report_error(str(error), BAD_INPUT)
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        reason = error.strerror or str(error)
        return report_error(f"{error.filename}: {reason}" if error.filename else reason, FAILED)


def _dispatch(arguments: list[str]) -> int:
    """Expands `tuilab`, `tuilab NAME` and `tuilab --in-process`, short for `tuilab open ...`."""
    first = arguments[0] if arguments else ""
    is_short = first not in COMMANDS and not first.startswith(APP_OPTIONS)
    if is_short and len(arguments) <= 1 and not first.startswith("-") and not _is_completing():
        gc.disable()  # until the first frame: nothing of what is imported can be collected
        try:
            from tuilab.cli.launch import open_experiment

            return open_experiment(first)
        finally:
            gc.enable()
    from tuilab.cli.app import run_app

    return run_app(["open", *arguments] if is_short and arguments else arguments)


def _is_completing() -> bool:
    """Whether a shell asks for completions."""
    return "_TUILAB_COMPLETE" in os.environ
