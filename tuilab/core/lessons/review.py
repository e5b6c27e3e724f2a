"""Questions as a lesson with a page for each: what is due again, or the terms of a lesson."""

import time
from collections.abc import Mapping, Sequence

from msgspec import structs

from tuilab.core import paths
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.lessons import library, term_questions
from tuilab.core.lessons.lesson import Lesson
from tuilab.core.lessons.library import Book
from tuilab.core.lessons.progress import DAY, INTERVALS, Progress
from tuilab.core.lessons.prose import Block, Page, Span, pages
from tuilab.core.lessons.question import AnyQuestion

LAST = f"""## Done

That is all for now. What was right comes back later, after
{", ".join(map(str, INTERVALS[:-1]))} and {INTERVALS[-1]} days, and then no more; what was missed
comes back tomorrow. C shows the course.
"""
"""The page after the questions."""


def book(kept: Progress, now: float | None = None) -> Book:
    """All that was missed and is due by now."""
    return _book("Review", "Once more", due(kept, now), LAST)


def terms(source: Book) -> Book:
    """The terms of a lesson."""
    asked = [(source, question) for question in term_questions.questions(source)]
    end = f"## Done\n\nThose were the terms of [{source.lesson.title}](lesson:{source.name}).\n"
    return _book(f"Terms of {source.lesson.title}", "Which term?", asked, end)


def _book(title: str, heading: str, found: Sequence[tuple[Book, AnyQuestion]], end: str) -> Book:
    """Questions are named `lesson/question`."""
    questions = tuple(
        structs.replace(question, name=f"{source.name}/{question.name}")
        for source, question in found
    )
    asked = [
        _page(heading, source, question.name)
        for (source, _), question in zip(found, questions, strict=True)
    ]
    lesson = Lesson(
        format=1, title=title, summary=heading, minutes=len(found), start=Experiment(),
        questions=questions,
    )  # fmt: skip
    return Book("review", 0, paths.data(), lesson, (*asked, *pages(end)))


def due(
    kept: Progress, now: float | None = None, known: Mapping[str, object] | None = None
) -> list[tuple[Book, AnyQuestion]]:
    """What is due, as far as its lesson is still there and still has the question.

    Args:
        known: the lessons by name, where they have been read already.
    """
    cards = kept.due(now)
    books = known if known is not None else library.every() if cards else {}
    found = []
    for card in cards:
        source = books.get(card.lesson)
        if isinstance(source, Book):
            made = (
                term_questions.questions(source)
                if card.question.startswith(term_questions.PREFIX)
                else ()
            )
            every = (*source.lesson.questions, *made)
            found += [(source, q) for q in every if q.name == card.question]
    return found


def _page(heading: str, source: Book, question: str) -> Page:
    where = Span(source.lesson.title, scheme="lesson", target=source.name)
    return Page(
        heading,
        (
            Block("text", (Span("From the lesson "), where, Span("."))),
            Block("thing", (Span("", scheme="question", target=question),)),
        ),
    )


def words(kept: Progress, count: int) -> str:
    """How many questions are due, or when the next will be; nothing where nothing was missed."""
    if count:
        few = "One question" if count == 1 else f"{count} questions"
        return f"{few} that you missed {'is' if count == 1 else 'are'} due again."
    if not kept.deck:
        return ""
    days = max(1, round((min(card.due for card in kept.deck) - time.time()) / DAY))
    return f"The next review is {'tomorrow' if days == 1 else f'in {days} days'}."
