"""What a view has shown so far, in bounded number, to go back to."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Generic, TypeVar

A = TypeVar("A")

MOST = 48
"""Answers that a view remembers."""

NEAR = 8
"""The newest answers to a question, which are not thinned."""


@dataclass(frozen=True, slots=True, eq=False)
class Moment(Generic[A]):
    """One answer, the question it answers and what tells it from others of that question."""

    question: object
    mark: object
    answer: A
    place: int
    "Its number among all that were ever added."


class Moments(Generic[A]):
    """Answers in the order they came, those to one question spread over the time it was asked."""

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self._moments: list[Moment[A]] = []
        self._places = count()

    def __len__(self) -> int:
        return len(self._moments)

    def add(
        self, question: object, mark: object, answer: A, held: Sequence[A] = (),
        whole: Sequence[A] = (),
    ) -> A | None:  # fmt: skip
        """Remember an answer; the one before with the same mark gives way and is returned.

        Args:
            held: answers that are not let go when there are too many.
            whole: answers that give way to no other.
        """
        moment = Moment(question, mark, answer, next(self._places))
        before = next((m for m in reversed(self._moments) if m.question == question), None)
        if before is not None and (before.mark != mark or _is_in(before, whole)):
            before = None
        if before is not None:
            self._moments.remove(before)
        self._moments.append(moment)
        if len(self._moments) > self.most:
            self._thin(held)
        return before.answer if before is not None else None

    def like(self, answer: A) -> list[A]:
        """All answers to the question that this one answers, oldest first; none: it is unknown."""
        own = next((m for m in self._moments if m.answer is answer), None)
        if own is None:
            return []
        return [m.answer for m in self._moments if m.question == own.question]

    def _thin(self, held: Sequence[A]) -> None:
        """Let one go of the question with the most answers: the one that is missed least."""
        own = max(self._by_question(), key=len)
        inner = range(1, len(own) - min(NEAR, len(own) // 2))
        free = [at for at in inner if not _is_in(own[at], held)]
        if free:
            least = min(free, key=lambda at: own[at + 1].place - own[at - 1].place)
            self._moments.remove(own[least])
            return
        others = (m for m in self._moments[:-1] if not _is_in(m, held))
        if (oldest := next(others, None)) is not None:
            self._moments.remove(oldest)

    def _by_question(self) -> list[list[Moment[A]]]:
        found: list[list[Moment[A]]] = []
        for moment in self._moments:
            own = next((group for group in found if group[0].question == moment.question), None)
            if own is None:
                found.append([moment])
            else:
                own.append(moment)
        return found


def _is_in(moment: Moment[A], held: Sequence[A]) -> bool:
    return any(moment.answer is answer for answer in held)
