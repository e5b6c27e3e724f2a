"""Undo and redo over any frozen value."""

from typing import Generic, TypeVar

T = TypeVar("T")


class Undo(Generic[T]):
    """A value with its past and its undone future, both of bounded length."""

    def __init__(self, value: T, limit: int = 500) -> None:
        self._past: list[T] = []
        self._future: list[T] = []
        self._limit = limit
        self.value = value

    def do(self, value: T) -> None:
        """Change to a new value; the same value again is no change."""
        if value == self.value:
            return
        self._past = [*self._past, self.value][-self._limit :]
        self._future.clear()
        self.value = value

    def undo(self) -> bool:
        """Go back one change; False if there is none."""
        if not self._past:
            return False
        self._future.append(self.value)
        self.value = self._past.pop()
        return True

    def redo(self) -> bool:
        """Do again what was undone; False if there is nothing."""
        if not self._future:
            return False
        self._past.append(self.value)
        self.value = self._future.pop()
        return True
