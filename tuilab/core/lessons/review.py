"""Lessons made of questions: those that are due again, or the terms of a lesson."""

import time
from collections.abc import Mapping, Sequence

from msgspec import structs

from tuilab.core import paths
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.lessons import library
from tuilab.core.lessons.lesson import Lesson
from tuilab.core.lessons.library import LoadedLesson
from tuilab.core.lessons.progress import DAY, INTERVALS, Progress
from tuilab.core.lessons.prose import Block, Page, Span, parse_pages
from tuilab.core.lessons.question import AnyQuestion
from tuilab.core.lessons.term_questions import PREFIX as TERM_PREFIX
from tuilab.core.lessons.term_questions import build_term_questions

LAST_PAGE = f"""## Done

That is all for now. What was right comes back later, after
{", ".join(map(str, INTERVALS[:-1]))} and {INTERVALS[-1]} days, and then no more; what was missed
comes back tomorrow. C shows the course.
"""
"""The page after the questions."""


def build_review(progress: Progress, now: float | None = None) -> LoadedLesson:
    """Builds a lesson of all missed questions that are due."""
    return _build_quiz("Review", "Once more", find_due_questions(progress, now), LAST_PAGE)


def build_term_quiz(source: LoadedLesson) -> LoadedLesson:
    """Builds a lesson of questions about the terms of a lesson."""
    questions = [(source, question) for question in build_term_questions(source)]
    end = f"## Done\n\nThose were the terms of [{source.lesson.title}](lesson:{source.name}).\n"
    return _build_quiz(f"Terms of {source.lesson.title}", "Which term?", questions, end)


def _build_quiz(
    title: str, heading: str, sources: Sequence[tuple[LoadedLesson, AnyQuestion]], end: str
) -> LoadedLesson:
    """Builds a lesson with a page a question; questions are named `lesson/question`."""
    questions = tuple(
        structs.replace(question, name=f"{source.name}/{question.name}")
        for source, question in sources
    )
    pages = [
        _build_page(heading, source, question.name)
        for (source, _), question in zip(sources, questions, strict=True)
    ]
    lesson = Lesson(
        format=1, title=title, summary=heading, minutes=len(questions), start=Experiment(),
        questions=questions,
    )  # fmt: skip
    return LoadedLesson("review", 0, paths.data_dir(), lesson, (*pages, *parse_pages(end)))


def find_due_questions(
    progress: Progress, now: float | None = None, lessons: Mapping[str, object] | None = None
) -> list[tuple[LoadedLesson, AnyQuestion]]:
    """Returns the questions that are due, with their lessons, as far as both still exist.

    Args:
        lessons: by name, if they are loaded already.
    """
    cards = progress.list_due(now)
    if lessons is None:
        lessons = library.load_all() if cards else {}
    due: list[tuple[LoadedLesson, AnyQuestion]] = []
    for card in cards:
        source = lessons.get(card.lesson)
        if isinstance(source, LoadedLesson):
            is_term = card.question.startswith(TERM_PREFIX)
            questions = build_term_questions(source) if is_term else source.lesson.questions
            due += [(source, q) for q in questions if q.name == card.question]
    return due


def _build_page(heading: str, source: LoadedLesson, question: str) -> Page:
    link = Span(source.lesson.title, scheme="lesson", target=source.name)
    return Page(
        heading,
        (
            Block("text", (Span("From the lesson "), link, Span("."))),
            Block("activity", (Span("", scheme="question", target=question),)),
        ),
    )


def describe_due(progress: Progress, count: int) -> str:
    """Returns how many questions are due, or when the next will be; empty if none was missed."""
    if count:
        questions = "One question" if count == 1 else f"{count} questions"
        return f"{questions} that you missed {'is' if count == 1 else 'are'} due again."
    now = time.time()  # what is due by now and not counted is of a question that is gone
    waits = [card.due - now for card in progress.deck if card.due > now]
    if not waits:
        return ""
    days = max(1, round(min(waits) / DAY))
    return f"The next review is {'tomorrow' if days == 1 else f'in {days} days'}."
