"""The dialogs of the course: choose a lesson, and look up a term."""

import textwrap

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tuilab.core.errors import InputError
from tuilab.core.format import format_percent
from tuilab.core.lessons import glossary, library, progress, progress_file, review
from tuilab.core.lessons.glossary import Term
from tuilab.core.lessons.goals import describe_score
from tuilab.core.lessons.library import LoadedLesson
from tuilab.core.lessons.progress import LessonProgress
from tuilab.ui.screens.dialogs import Dialog, move_highlight

BOX_WIDTH, FRAME_WIDTH = 88, 8
"""Columns of the box at most, and of what surrounds its rows."""

FULL_WIDTH, TITLE_WIDTH, INDENT = 70, 38, 5
"""Columns of a row that has room for everything, of a title, and before what stands under it."""

MIN_SECONDS = 30
"""Seconds in a lesson from which on they are shown."""

REVIEW = "↻"
"""Marks the review in the list, and is the answer when it is chosen."""


class Course(Dialog):
    """Lists the lessons with what is done of them; the answer is the name of one, or `REVIEW`."""

    def compose(self) -> ComposeResult:
        """Yields the list, and how the learner has done so far."""
        learner, _ = progress_file.load_progress()
        lessons = library.load_all()
        due_count = len(review.find_due_questions(learner, lessons=lessons))
        due = review.describe_due(learner, due_count)
        with Vertical(classes="box course") as box:
            box.border_title = "The course"
            box.border_subtitle = "enter opens · escape cancels"
            review_option = [Option(_review_row(due), id=REVIEW)] if due_count else []
            yield OptionList(*review_option, *self._options(learner, lessons), markup=False)
            summary = _summarize(learner, "" if due_count else due)
            yield Static(summary, classes="about", markup=False)

    def _options(
        self, learner: progress.Progress, lessons: dict[str, LoadedLesson | InputError]
    ) -> list[Option]:
        readable = [lesson for lesson in lessons.values() if isinstance(lesson, LoadedLesson)]
        self._next_lesson = progress.find_next_lesson(readable, learner)
        return [
            self._option(name, lesson, learner.lesson(name)) for name, lesson in lessons.items()
        ]

    def _option(self, name: str, lesson: LoadedLesson | InputError, done: LessonProgress) -> Option:
        if isinstance(lesson, InputError):
            return Option(Content(f"   {name}: {lesson}"), disabled=True)
        mark = "▸" if lesson is self._next_lesson else " "
        mark = "✓" if done.is_complete(lesson.lesson) else mark
        width = min(BOX_WIDTH, int(0.96 * self.app.size.width)) - FRAME_WIDTH
        return Option(_row(lesson, done, mark, width), id=name)

    def on_mount(self) -> None:
        """Begins at the next lesson."""
        options = self.query_one(OptionList)
        self.set_focus(options)
        if self._next_lesson is not None:
            options.highlighted = options.get_option_index(self._next_lesson.name)

    @on(OptionList.OptionSelected)
    def _on_chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id)


def _row(source: LoadedLesson, done: LessonProgress, mark: str, width: int) -> Content:
    lesson = source.lesson
    spent = f"{round(done.seconds / 60)} of " if done.seconds >= MIN_SECONDS else ""
    facts = [
        f"goals {len(done.goals)}/{len(lesson.goals)}",
        f"questions {done.count_correct(lesson)}/{len(lesson.questions)}",
        f"{spent}{lesson.minutes} min",
    ]
    number = f"{source.number or '':>2}"
    best = [describe_score(goal, score) for goal in lesson.goals
            if (score := done.goals.get(goal.name)) is not None]  # fmt: skip
    return Content.assemble(
        (f"{mark} {number} ", "$accent bold"), (f"{lesson.title:{TITLE_WIDTH}}", "bold"),
        "  ".join(facts if width >= FULL_WIDTH else facts[::2]),
        (_indent(lesson.summary, width), "$foreground 65%"),
        (_indent(f"best: {', '.join(best)}", width) if best else "", "$text-success"),
    )  # fmt: skip


def _indent(text: str, width: int) -> str:
    """Returns lines of their own that stand under the title."""
    lines = textwrap.wrap(text, width - INDENT)
    return "".join(f"\n{'':{INDENT}}{line}" for line in lines)


def _summarize(learner: progress.Progress, due: str) -> str:
    score = learner.calibration
    if score is None:
        return due
    return f"Your predictions were {format_percent(score)} right on average. {due}".strip()


def _review_row(due: str) -> Content:
    return Content.assemble(
        (f"{REVIEW}    ", "$accent bold"), ("Review", "bold"), f"\n{'':{INDENT}}",
        (due, "$foreground 65%"),
    )  # fmt: skip


class Glossary(Dialog):
    """Lists the terms; what is typed narrows the list."""

    def compose(self) -> ComposeResult:
        """Yields a line to search in, the terms, and the definition of one."""
        with Vertical(classes="box course") as box:
            box.border_title = "Glossary"
            box.border_subtitle = "type to search · escape closes"
            yield Input(placeholder="a term, or a word of its definition", compact=True)
            yield OptionList(markup=False)
            yield VerticalScroll(Static("", classes="term", markup=False), can_focus=False)

    def on_mount(self) -> None:
        """Lists every term."""
        self._list("")

    @on(Input.Changed)
    def _on_changed(self, event: Input.Changed) -> None:
        self._list(event.value)

    def _list(self, text: str) -> None:
        options = self.query_one(OptionList).clear_options()
        options.add_options(Option(term.name, id=term.name) for term in glossary.search_terms(text))
        options.highlighted = 0

    @on(OptionList.OptionHighlighted)
    def _on_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        term = glossary.find_term(str(event.option.id))
        self.query_one(".term", Static).update(_describe(term))

    def on_key(self, event: events.Key) -> None:
        """Moves in the list while a term is typed."""
        is_typing = self.query_one(Input).has_focus
        if is_typing and move_highlight(self.query_one(OptionList), event.key):
            event.stop()


def _describe(term: Term) -> Content:
    parts = [Content.styled(term.name, "bold"), Content(f"\n{term.definition}")]
    for heading, text in term.facts:
        name = Content.styled(f"{heading.lower():8}", "$accent")
        parts += [Content("\n"), name, Content(text)]
    return Content.assemble(*parts)
