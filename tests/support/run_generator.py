"""Generators that are run to their end."""

from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")


def run_generator(generator: Generator[object, None, T]) -> T:
    """Runs a generator to its end; returns its return value."""
    while True:
        try:
            next(generator)
        except StopIteration as end:
            result: T = end.value
            return result
