"""Exit codes, and how a command says what went wrong."""

import sys

COMMANDS = (
    "open", "train", "find", "validate", "export", "presets", "check", "layers", "explain",
    "devices", "ps", "attach", "stop", "runs", "diagnose", "lessons", "glossary",
)  # fmt: skip

DONE, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


def complain(sentence: str, code: int) -> int:
    """Say on stderr what is wrong; the exit code, to be returned."""
    sys.stdout.flush()
    for line in sentence.splitlines():
        print(f"tuilab: {line}", file=sys.stderr)
    return code
