"""The course: choose a lesson, and look a term up."""

import textwrap

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tuilab.core.errors import InputError
from tuilab.core.format import compact
from tuilab.core.lessons import glossary, library, progress, review
from tuilab.core.lessons.glossary import Term
from tuilab.core.lessons.library import Book
from tuilab.core.lessons.progress import Done
from tuilab.ui.screens.dialogs import Dialog

BOX, FRAME = 88, 8
"""Cells of the box at most, and of what is around its rows."""

WIDE, TITLE, INDENT = 70, 38, 5
"""Cells: of a row that has room for everything, of a title, of what stands under it."""

REVIEW = "↻"
"""Stands before the review in the list, and for it as the answer."""


class Course(Dialog):
    """Every lesson with what is done of it; enter opens one."""

    def compose(self) -> ComposeResult:
        """The list, and how the learner has done so far."""
        kept, _ = progress.load()
        found = library.every()
        count = len(review.due(kept, known=found))
        told = review.words(kept, count)
        with Vertical(classes="box course") as box:
            box.border_title = "The course"
            box.border_subtitle = "enter opens · escape cancels"
            due = [Option(_review(told), id=REVIEW)] if count else []
            yield OptionList(*due, *self._options(kept, found), markup=False)
            yield Static(_standing(kept, "" if count else told), classes="about", markup=False)

    def _options(
        self, kept: progress.Progress, found: dict[str, Book | InputError]
    ) -> list[Option]:
        self._width = min(BOX, int(0.96 * self.app.size.width)) - FRAME
        books = [book for book in found.values() if isinstance(book, Book)]
        self._following = progress.next_lesson(books, kept)
        return [self._option(name, book, kept.of(name)) for name, book in found.items()]

    def _option(self, name: str, book: Book | InputError, done: Done) -> Option:
        if isinstance(book, InputError):
            return Option(Content(f"   {name}: {book}"), disabled=True)
        following = "▸" if book is self._following else " "
        return Option(
            _row(book, done, "✓" if done.is_whole(book.lesson) else following, self._width), id=name
        )

    def on_mount(self) -> None:
        """Begin at the lesson that comes next."""
        options = self.query_one(OptionList)
        self.set_focus(options)
        if self._following is not None:
            options.highlighted = options.get_option_index(self._following.name)

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id)


def _row(book: Book, done: Done, sign: str, width: int) -> Content:
    lesson = book.lesson
    spent = f"{round(done.seconds / 60)} of " if done.seconds >= 30 else ""
    told = [
        f"goals {len(done.goals)}/{len(lesson.goals)}",
        f"questions {done.right(lesson)}/{len(lesson.questions)}",
        f"{spent}{lesson.minutes} min",
    ]
    number = f"{book.number or '':>2}"
    best = [f"{compact(score)} {goal.golf}" for goal in lesson.goals
            if (score := done.goals.get(goal.name)) is not None]  # fmt: skip
    return Content.assemble(
        (f"{sign} {number} ", "$accent bold"), (f"{lesson.title:{TITLE}}", "bold"),
        "  ".join(told if width >= WIDE else told[::2]),
        (_indented(lesson.summary, width), "$foreground 65%"),
        (_indented(f"best: {', '.join(best)}", width) if best else "", "$text-success"),
    )  # fmt: skip


def _indented(text: str, width: int) -> str:
    """Lines of their own under the title."""
    lines = textwrap.wrap(text, width - INDENT)
    return "".join(f"\n{'':{INDENT}}{line}" for line in lines)


def _standing(kept: progress.Progress, told: str) -> str:
    bets = kept.calibration
    said = "" if bets is None else f"Your predictions were {bets:.0%} right on average."
    return f"{said} {told}".strip()


def _review(told: str) -> Content:
    return Content.assemble(
        (f"{REVIEW}    ", "$accent bold"), ("Review", "bold"), "\n     ",
        (told, "$foreground 65%"),
    )  # fmt: skip


class Glossary(Dialog):
    """Every term; what is written narrows the list."""

    def compose(self) -> ComposeResult:
        """A line to search in, the terms, and the one at the cursor."""
        with Vertical(classes="box course") as box:
            box.border_title = "Glossary"
            box.border_subtitle = "type to search · escape closes"
            yield Input(placeholder="a term, or a word of its definition", compact=True)
            yield OptionList(markup=False)
            yield VerticalScroll(Static("", classes="term", markup=False), can_focus=False)

    def on_mount(self) -> None:
        """Begin with every term."""
        self._list("")

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        self._list(event.value)

    def _list(self, text: str) -> None:
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options([Option(term.name, id=term.name) for term in glossary.search(text)])
        if options.option_count:
            options.highlighted = 0

    @on(OptionList.OptionHighlighted)
    def _pointed(self, event: OptionList.OptionHighlighted) -> None:
        term = glossary.find(str(event.option.id))
        self.query_one(".term", Static).update(_told(term))

    def on_key(self, event: events.Key) -> None:
        """The arrows move in the list while one writes."""
        options = self.query_one(OptionList)
        if event.key in ("up", "down") and self.query_one(Input).has_focus:
            options.action_cursor_down() if event.key == "down" else options.action_cursor_up()
            event.stop()


def _told(term: Term) -> Content:
    parts: list[Content] = [Content.styled(term.name, "bold"), Content("\n"),
                            Content(term.definition)]  # fmt: skip
    for heading, text in term.facts:
        name = f"{heading.lower():8}"
        parts += [Content("\n"), Content.styled(name, "$accent"), Content(text)]
    return Content.assemble(*parts)
