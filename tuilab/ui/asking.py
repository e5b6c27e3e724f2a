"""Asking for what takes the worker time: once, and again when the answer would differ."""

import time

PATIENCE = 2.0
"""Seconds after which an answer that has not come is asked for again."""

PICTURES = 0.9
"""Seconds between two questions while training goes on."""


class Asking:
    """Remembers what was asked last and what the answer was before."""

    def __init__(self) -> None:
        self._asked: tuple[object, float, object] = (None, -PATIENCE, None)

    def is_due(
        self, question: object, answer: object, *, is_training: bool, is_unfinished: bool = False
    ) -> bool:
        """Whether to ask now.

        Args:
            question: all that the answer depends on.
            answer: the newest one there is.
            is_unfinished: there is more to come of it.
        """
        asked, when, before = self._asked
        now = time.monotonic()
        is_answered = answer is not before
        if question == asked and is_answered and not is_unfinished:
            return False
        if not is_answered and now - when < PATIENCE:
            return False
        if is_training and now - when < PICTURES:
            return False
        self._asked = (question, now, answer)
        return True
