"""Exit codes of the commands, and how errors are printed."""

import sys

COMMANDS = (
    "open", "train", "find", "validate", "export", "presets", "check", "layers", "explain",
    "devices", "ps", "attach", "stop", "runs", "diagnose", "lessons", "glossary",
)  # fmt: skip
"""Names of all commands; any other first word is a preset or a file."""

DONE, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


def report_error(message: str, code: int) -> int:
    """Prints an error on stderr; returns its exit code."""
    sys.stdout.flush()
    for line in message.splitlines():
        print(f"tuilab: {line}", file=sys.stderr)
    return code
