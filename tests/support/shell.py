"""Commands as a shell runs them: in this process, or in one of their own."""

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

Says = Callable[..., tuple[int, str, str]]
"""Runs a command in this process; gives its exit code, stdout and stderr."""


def start(*words: object, **options: Any) -> "subprocess.Popen[str]":
    """Run a command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "tuilab", *map(str, words)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
        **options,
    )  # fmt: skip


def finish(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    out, err = process.communicate(timeout=100)
    return process.returncode, out, err


def until(condition: Callable[[], Any], seconds: float = 60) -> Any:
    """Wait for something to become true, and return it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not become true")
