"""The earlier responses of a view, limited in number, to go back to."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Generic, TypeVar

R = TypeVar("R")

MAX_ENTRIES = 48

RECENT_ENTRIES = 8
"""The newest responses of one kind, which are not thinned."""


@dataclass(frozen=True, slots=True, eq=False)
class HistoryEntry(Generic[R]):
    """One response, the kind that it can be compared with, and its moment."""

    kind: object
    moment: object
    response: R
    number: int
    "Its number among all that were ever added."


class ResponseHistory(Generic[R]):
    """Responses in order; those of one kind cover the time in which they came evenly."""

    def __init__(self, max_entries: int = MAX_ENTRIES) -> None:
        self.max_entries = max_entries
        self._entries: list[HistoryEntry[R]] = []
        self._numbers = count()

    def __len__(self) -> int:
        return len(self._entries)

    def add(
        self, kind: object, moment: object, response: R, keep: Sequence[R] = (),
        complete: Sequence[R] = (),
    ) -> R | None:  # fmt: skip
        """Adds a response; one of the same kind and moment is replaced and returned.

        Args:
            keep: responses that are not dropped when there are too many.
            complete: responses that are not replaced.
        """
        entry = HistoryEntry(kind, moment, response, next(self._numbers))
        last = next((e for e in reversed(self._entries) if e.kind == kind), None)
        if last is not None and (last.moment != moment or _is_in(last, complete)):
            last = None
        if last is not None:
            self._entries.remove(last)
        self._entries.append(entry)
        if len(self._entries) > self.max_entries:
            self._drop_one(keep)
        return last.response if last is not None else None

    def related_to(self, response: R) -> list[R]:
        """Returns all responses of the same kind, oldest first; empty if it is not here."""
        entry = next((e for e in self._entries if e.response is response), None)
        if entry is None:
            return []
        return [e.response for e in self._entries if e.kind == entry.kind]

    def _drop_one(self, keep: Sequence[R]) -> None:
        """Drops one response of the most frequent kind: the one that leaves the smallest gap."""
        groups = ([e for e in self._entries if e.kind == entry.kind] for entry in self._entries)
        group = max(groups, key=len)
        inner = range(1, len(group) - min(RECENT_ENTRIES, len(group) // 2))
        droppable = [index for index in inner if not _is_in(group[index], keep)]
        if droppable:
            smallest = min(droppable, key=lambda p: group[p + 1].number - group[p - 1].number)
            self._entries.remove(group[smallest])
            return
        others = (entry for entry in self._entries[:-1] if not _is_in(entry, keep))
        if (oldest := next(others, None)) is not None:
            self._entries.remove(oldest)


def _is_in(entry: HistoryEntry[R], responses: Sequence[R]) -> bool:
    return any(entry.response is response for response in responses)
