"""The entry point: from the arguments of the process to its exit code.

`tuilab` and `tuilab NAME` go past Typer, whose import takes 100 ms of the time to the first frame.
"""

import errno
import gc
import os
import sys
from collections.abc import Sequence
from functools import partial
from io import TextIOWrapper

from tuilab.cli import streams
from tuilab.cli.exit_codes import (
    BAD_INPUT,
    CLOSED_OUTPUT,
    DONE,
    FAILED,
    INTERRUPTED,
    report_error,
)
from tuilab.cli.short_form import expand_short_form, is_short_form
from tuilab.core.errors import InputError

IMPOSSIBLE_NAMES = (errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR, errno.EISDIR)
"""Errors of a path that no file can have, or not what is there."""


def main() -> None:
    """Runs the command line of this process and exits."""
    streams.open_closed_streams()
    streams.forget_exported_size()
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a locale without ≤ or ö gets a question mark
    code = run(sys.argv[1:])
    streams.flush_or_discard()
    if "torch" in sys.modules:
        # A thread may still be inside PyTorch, where Python's own exit would crash.
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Runs the command of a command line; returns the exit code."""
    with streams.escape_output():
        return _run(arguments)


def _run(arguments: Sequence[str]) -> int:
    try:
        code = _dispatch(list(arguments))
        if code == DONE:
            sys.stdout.flush()  # where this fails, it has to be before the exit code is known
        return code
    except InputError as error:
        return report_error(str(error), BAD_INPUT)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output, such as `head`, has gone
        streams.discard_output()
        return CLOSED_OUTPUT
    except OSError as error:
        reason = error.strerror or str(error)
        code = BAD_INPUT if error.errno in IMPOSSIBLE_NAMES else FAILED
        name = os.fsdecode(error.filename) if isinstance(error.filename, (str, bytes)) else ""
        return report_error(f"{name}: {reason}" if name else reason, code)
    except Exception as error:
        from tuilab.core.crash_report import report_crash

        return report_error(f"an error in tuilab: {report_crash(error)}", FAILED)


def _dispatch(arguments: list[str]) -> int:
    """Runs a command with Typer, and the short form of `open` without it."""
    shell = os.environ.get("_TUILAB_COMPLETE", "")
    is_option = "".join(arguments).startswith("-")
    if len(arguments) <= 1 and is_short_form(arguments) and not is_option and not shell:
        return _open(*arguments)
    from tuilab.cli.app import run_app

    if shell:
        os.environ["COLUMNS"] = "1000"  # Typer wraps the help of a word at the width
    if shell == "complete_bash":
        from tuilab.cli.completion import complete_in_bash

        complete_in_bash(partial(run_app, []))
    return run_app(expand_short_form(arguments))


def _open(name: str = "") -> int:
    gc.disable()  # until the first frame: nothing of what is imported can be collected
    try:
        from tuilab.cli.launch import open_experiment

        return open_experiment(name)
    finally:
        gc.enable()
