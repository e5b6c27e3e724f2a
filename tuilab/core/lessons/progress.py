"""The learner's progress, kept in the user's data folder and written atomically."""

import time
from collections.abc import Iterable

from msgspec import Struct, field

from tuilab.core.lessons.lesson import Lesson
from tuilab.core.lessons.library import LoadedLesson

DAY = 86_400.0

INTERVALS = (1, 3, 7, 21, 60)
"""Days after which a missed question comes back, each time it is answered right."""


class Card(Struct):
    """A missed question, and when it comes back."""

    lesson: str
    question: str
    due: float
    "Seconds since 1970."
    box: int = 0
    "Right answers in a row since."


class LessonProgress(Struct):
    """Progress in one lesson."""

    page: int = 0
    goals: dict[str, float | None] = field(default_factory=dict)
    "Goals that were met, with the best score; None where the goal has no score."
    readings: dict[str, dict[str, str]] = field(default_factory=dict)
    "By goal: the value of each of its quantities when it was met, or met with a better score."
    predictions: dict[str, float] = field(default_factory=dict)
    "The score of each first prediction, from 0 to 1."
    questions: dict[str, bool] = field(default_factory=dict)
    "Questions that were answered, and whether the first answer was right."
    exercises: list[str] = field(default_factory=list)
    hints: dict[str, int] = field(default_factory=dict)
    "Hints used, by goal."
    seconds: float = 0.0
    "Time in the lesson."

    def is_complete(self, lesson: Lesson) -> bool:
        """Returns whether all goals are met."""
        return all(goal.name in self.goals for goal in lesson.goals)

    def count_correct(self, lesson: Lesson) -> int:
        """Returns how many questions were answered right at first."""
        return sum(self.questions.get(question.name, False) for question in lesson.questions)


class Progress(Struct):
    """All progress of a learner."""

    format: int = 1
    lessons: dict[str, LessonProgress] = field(default_factory=dict)
    deck: list[Card] = field(default_factory=list)

    def lesson(self, name: str) -> LessonProgress:
        """Returns the progress in a lesson."""
        return self.lessons.setdefault(name, LessonProgress())

    def record_goal(self, lesson: str, goal: str, score: float | None) -> bool:
        """Records that a goal was met; returns whether that is the first time or a better score."""
        goals = self.lesson(lesson).goals
        best = goals.get(goal)
        is_first = goal not in goals
        if is_first or (score is not None and (best is None or score < best)):
            goals[goal] = score
            return True
        return False

    def record_prediction(self, lesson: str, prediction: str, score: float) -> None:
        """Records the score of a prediction; only the first one counts."""
        self.lesson(lesson).predictions.setdefault(prediction, score)

    def record_answer(
        self, lesson: str, question: str, is_correct: bool, now: float | None = None
    ) -> None:
        """Records an answer; a missed question goes into the deck, or back to its first box."""
        now = time.time() if now is None else now
        self.lesson(lesson).questions.setdefault(question, is_correct)
        card = next((c for c in self.deck if (c.lesson, c.question) == (lesson, question)), None)
        if card is None and not is_correct:
            self.deck.append(Card(lesson, question, now + INTERVALS[0] * DAY))
        elif card is not None and not is_correct:
            card.box, card.due = 0, now + INTERVALS[0] * DAY
        elif card is not None and now >= card.due:
            card.box += 1
            if card.box >= len(INTERVALS):
                self.deck.remove(card)
            else:
                card.due = now + INTERVALS[card.box] * DAY

    def list_due(self, now: float | None = None) -> list[Card]:
        """Returns the questions that are due, the longest due first."""
        now = time.time() if now is None else now
        return sorted((card for card in self.deck if card.due <= now), key=lambda c: c.due)

    @property
    def calibration(self) -> float | None:
        """The mean score of all predictions, from 0 to 1."""
        scores = [score for done in self.lessons.values() for score in done.predictions.values()]
        return sum(scores) / len(scores) if scores else None


def find_next_lesson(lessons: Iterable[LoadedLesson], progress: Progress) -> LoadedLesson | None:
    """Returns the first lesson whose goals are not all met."""
    return next(
        (book for book in lessons if not progress.lesson(book.name).is_complete(book.lesson)), None
    )
