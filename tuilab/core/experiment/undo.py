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
        return self._move(self._past, self._future)

    def redo(self) -> bool:
        """Repeats the last undone change; returns whether there was one."""
        return self._move(self._future, self._past)

    def _move(self, source: list[T], target: list[T]) -> bool:
        """Changes to the newest value of one list and keeps the current one in the other."""
        if not source:
            return False
        target.append(self.value)
        self.value = source.pop()
        return True
