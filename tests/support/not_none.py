"""A value that is not None, for the type checker and for the test."""

from typing import TypeVar

T = TypeVar("T")


def not_none(value: T | None) -> T:
    """Returns the value; fails where it is None."""
    assert value is not None
    return value
