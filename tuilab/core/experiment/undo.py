"""Undo and redo over any frozen value."""

from typing import Generic, TypeVar

T = TypeVar("T")


class UndoStack(Generic[T]):
    """A value with its previous values and the undone ones, both of limited length."""

    def __init__(self, value: T, limit: int = 500) -> None:
        self._past: list[T] = []
        self._future: list[T] = []
        self._limit = limit
        self.value = value

    def push(self, value: T) -> None:
        """Changes to a new value; an equal value is not a change."""
        if value == self.value:
            return
        self._past = [*self._past, self.value][-self._limit :]
        self._future.clear()
        self.value = value

    def undo(self) -> bool:
        """Goes back one change; returns whether there was one."""
        if not self._past:
            return False
        self._future.append(self.value)
        self.value = self._past.pop()
        return True

    def redo(self) -> bool:
        """Repeats the last undone change; returns whether there was one."""
        if not self._future:
            return False
        self._past.append(self.value)
        self.value = self._future.pop()
        return True
