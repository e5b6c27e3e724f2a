"""What a learner has done, kept in the user's data folder and written whole or not at all."""

import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct, field

from tuilab.core import paths
from tuilab.core.experiment.toml_file import write_atomically
from tuilab.core.lessons.lesson import Lesson
from tuilab.core.lessons.library import Book

DAY = 86_400.0

INTERVALS = (1, 3, 7, 21, 60)
"""Days after which a question that was missed comes back, each time it is answered right."""


class Card(Struct):
    """A question that was missed, and when it comes back."""

    lesson: str
    question: str
    due: float
    "Seconds since 1970."
    box: int = 0
    "How many times in a row it has been right since."


class Done(Struct):
    """What has been done of one lesson."""

    page: int = 0
    goals: dict[str, float | None] = field(default_factory=dict)
    "Those that were met, with the best score; None where none is kept."
    predictions: dict[str, float] = field(default_factory=dict)
    "How near each first bet was, from 0 to 1."
    questions: dict[str, bool] = field(default_factory=dict)
    "Those that were answered; whether right at once."
    exercises: list[str] = field(default_factory=list)
    hints: dict[str, int] = field(default_factory=dict)
    "How many were taken, by goal."
    seconds: float = 0.0
    "Spent in the lesson."

    def is_whole(self, lesson: Lesson) -> bool:
        """Whether all its goals are met."""
        return all(goal.name in self.goals for goal in lesson.goals)

    def right(self, lesson: Lesson) -> int:
        """How many of its questions were answered right at once."""
        return sum(self.questions.get(question.name, False) for question in lesson.questions)


class Progress(Struct):
    """All that is kept of a learner."""

    format: int = 1
    lessons: dict[str, Done] = field(default_factory=dict)
    deck: list[Card] = field(default_factory=list)

    def of(self, lesson: str) -> Done:
        """What has been done of a lesson."""
        return self.lessons.setdefault(lesson, Done())

    def meet(self, lesson: str, goal: str, score: float | None) -> bool:
        """Note that a goal was met; whether that is news: the first time, or a better score."""
        goals = self.of(lesson).goals
        best = goals.get(goal)
        is_first = goal not in goals
        if is_first or (score is not None and (best is None or score < best)):
            goals[goal] = score
            return True
        return False

    def bet(self, lesson: str, prediction: str, nearness: float) -> None:
        """Note how near a bet was; only the first one counts."""
        self.of(lesson).predictions.setdefault(prediction, nearness)

    def answer(self, lesson: str, question: str, is_right: bool, now: float | None = None) -> None:
        """Note an answer; what was missed goes into the deck, or back to its beginning."""
        now = time.time() if now is None else now
        self.of(lesson).questions.setdefault(question, is_right)
        card = next((c for c in self.deck if (c.lesson, c.question) == (lesson, question)), None)
        if card is None and not is_right:
            self.deck.append(Card(lesson, question, now + INTERVALS[0] * DAY))
        elif card is not None and not is_right:
            card.box, card.due = 0, now + INTERVALS[0] * DAY
        elif card is not None and now >= card.due:
            card.box += 1
            if card.box >= len(INTERVALS):
                self.deck.remove(card)
            else:
                card.due = now + INTERVALS[card.box] * DAY

    def due(self, now: float | None = None) -> list[Card]:
        """The questions that should be asked again by now, the longest due first."""
        now = time.time() if now is None else now
        return sorted((card for card in self.deck if card.due <= now), key=lambda c: c.due)

    @property
    def calibration(self) -> float | None:
        """How near the bets were on average, from 0 to 1."""
        bets = [near for done in self.lessons.values() for near in done.predictions.values()]
        return sum(bets) / len(bets) if bets else None


def next_lesson(books: Iterable[Book], kept: Progress) -> Book | None:
    """The first lesson that is not done."""
    return next((book for book in books if not kept.of(book.name).is_whole(book.lesson)), None)


def path() -> Path:
    """The file of the progress."""
    return paths.data() / "progress.json"


def load(file: Path | None = None) -> tuple[Progress, str]:
    """What is kept, and a sentence about it where it could not be read.

    A file that cannot be read is moved aside, so that nothing is written over.
    """
    file = file or path()
    try:
        return msgspec.json.decode(file.read_bytes(), type=Progress), ""
    except FileNotFoundError:
        return Progress(), ""
    except OSError as error:
        return Progress(), f"Your progress cannot be read ({error.strerror}): {file}"
    except msgspec.DecodeError:
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        aside = file.with_name(f"{file.stem}.{stamp}.broken{file.suffix}")
        file.rename(aside)
        return Progress(), f"Your progress was damaged; the file is kept as {aside}"


def save(progress: Progress, file: Path | None = None) -> None:
    """Keep the progress."""
    plain = msgspec.json.format(msgspec.json.encode(progress), indent=1)
    write_atomically(file or path(), plain + b"\n")
