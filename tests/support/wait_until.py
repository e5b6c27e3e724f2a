"""Waiting for a condition with a deadline."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

TIMEOUT = 60.0
"""Seconds; PyTorch alone takes ten on a busy machine."""


def wait_until(
    condition: Callable[[], T | None], describe: Callable[[], str] = str, timeout: float = TIMEOUT
) -> T:
    """Returns the first true result of a condition; fails after the deadline with a description."""
    deadline = time.monotonic() + timeout
    while not (result := condition()):
        assert time.monotonic() < deadline, f"waited {timeout:g} s in vain: {describe()}"
        time.sleep(0.01)
    return result
