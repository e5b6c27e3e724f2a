"""Asking for what takes the worker time: once, and again when the answer would differ."""

import time

PATIENCE = 2.0
"""Seconds after which an answer that has not come is asked for again."""

PICTURES = 0.9
"""Seconds between two questions while training goes on."""

SHARE = 0.05
"""Of the time of a training, what may go into answers that nobody has just asked for."""


class Asking:
    """Remembers what was asked last, at which moment of the run, and what the answer was before."""

    def __init__(self) -> None:
        self._asked: tuple[object, object, float, object] = (None, None, -PATIENCE, None)

    def is_due(
        self,
        question: object,
        moment: object,
        answer: object,
        *,
        is_training: bool,
        is_unfinished: bool = False,
        cost: float = 0.0,
    ) -> bool:
        """Whether to ask now; another question of the person's does not wait for its turn.

        Args:
            question: what is asked.
            moment: all else that the answer depends on.
            answer: the newest one there is.
            is_unfinished: there is more to come of it.
            cost: seconds that the answer has taken.
        """
        asked, then, when, before = self._asked
        now = time.monotonic()
        is_answered = answer is not before
        if not is_answered and now - when < PATIENCE:
            return False
        if question == asked:
            if is_answered and moment == then and not is_unfinished:
                return False
            if is_training and now - when < max(PICTURES, cost / SHARE):
                return False
        self._asked = (question, moment, now, answer)
        return True
