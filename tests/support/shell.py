"""Commands as a shell runs them, in this process or in another."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

RunCommand = Callable[..., tuple[int, str, str]]
"""Runs a command in this process; returns its exit code, stdout and stderr."""


def start_process(*words: object, **options: Any) -> "subprocess.Popen[str]":
    """Starts a command in another process."""
    return subprocess.Popen(
        [sys.executable, "-m", "tuilab", *map(str, words)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
        **options,
    )  # fmt: skip


def wait_for_exit(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    """Waits for a process to end; returns its exit code, stdout and stderr."""
    out, err = process.communicate(timeout=100)
    return process.returncode, out, err
