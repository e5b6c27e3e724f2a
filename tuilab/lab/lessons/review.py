"""The review: questions that were missed and are due again, as a lesson with a page for each."""

import time

from msgspec import structs

from tuilab.lab import places
from tuilab.lab.experiment import Experiment
from tuilab.lab.lessons import library
from tuilab.lab.lessons.lesson import Lesson
from tuilab.lab.lessons.library import Book
from tuilab.lab.lessons.progress import DAY, INTERVALS, Progress
from tuilab.lab.lessons.prose import Block, Page, Span, pages
from tuilab.lab.lessons.question import AnyQuestion

LAST = f"""## Done

That is all for now. What was right comes back later, after
{", ".join(map(str, INTERVALS[:-1]))} and {INTERVALS[-1]} days, and then no more; what was missed
comes back tomorrow. C shows the course.
"""
"""The page after the questions."""


def book(kept: Progress, now: float | None = None) -> Book:
    """All that is due by now; questions are named `lesson/question`."""
    found = due(kept, now)
    questions = tuple(
        structs.replace(question, name=f"{source.name}/{question.name}")
        for source, question in found
    )
    asked = [
        _page(source, question.name) for (source, _), question in zip(found, questions, strict=True)
    ]
    lesson = Lesson(
        format=1, title="Review", summary="What was missed comes back.", minutes=len(found),
        start=Experiment(), questions=questions,
    )  # fmt: skip
    return Book("review", 0, places.data(), lesson, (*asked, *pages(LAST)))


def due(kept: Progress, now: float | None = None) -> list[tuple[Book, AnyQuestion]]:
    """What is due, as far as its lesson is still there and still has the question."""
    cards = kept.due(now)
    books = library.every() if cards else {}
    found = []
    for card in cards:
        source = books.get(card.lesson)
        if isinstance(source, Book):
            found += [(source, q) for q in source.lesson.questions if q.name == card.question]
    return found


def _page(source: Book, question: str) -> Page:
    where = Span(source.lesson.title, scheme="lesson", target=source.name)
    return Page(
        "Once more",
        (
            Block("text", (Span("From the lesson "), where, Span("."))),
            Block("thing", (Span("", scheme="question", target=question),)),
        ),
    )


def words(kept: Progress, now: float | None = None) -> str:
    """What is due, or when the next will be; nothing where nothing was missed."""
    now = time.time() if now is None else now
    if count := len(due(kept, now)):
        few = "One question" if count == 1 else f"{count} questions"
        return f"{few} that you missed {'is' if count == 1 else 'are'} due again."
    if not kept.deck:
        return ""
    days = max(1, round((min(card.due for card in kept.deck) - now) / DAY))
    return f"The next review is {'tomorrow' if days == 1 else f'in {days} days'}."
