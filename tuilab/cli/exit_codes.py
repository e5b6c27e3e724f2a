"""Exit codes of the commands, and how errors are printed."""

import sys
from contextlib import suppress

DONE, FAILED, BAD_INPUT, INTERRUPTED, CLOSED_OUTPUT = 0, 1, 2, 130, 141
"""The last two are what a shell reports for a program that ended by SIGINT or SIGPIPE."""


def signal_code(number: int) -> int:
    """Returns the exit code of a command that a signal has ended."""
    return 128 + number


def report_error(message: str, code: int) -> int:
    """Prints an error on stderr; returns its exit code."""
    with suppress(OSError):  # it may be stdout that failed
        sys.stdout.flush()
    with suppress(OSError):  # or no one reads stderr
        for line in message.split("\n"):
            print(f"tuilab: {line}", file=sys.stderr)
    return code
