"""Lessons without the lab: listed, checked, made, and the glossary, as text."""

import re
import textwrap
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tuilab.cli import exit_codes
from tuilab.cli.output.tables import columns
from tuilab.core import paths
from tuilab.core.errors import InputError
from tuilab.core.experiment.toml_file import write_atomically
from tuilab.core.lessons import glossary, lesson_validation, library, progress, review
from tuilab.core.lessons.glossary import Term
from tuilab.core.lessons.library import Book

TEMPLATE = """format = 1
title = "{title}"
summary = "What it is about, in one sentence."
minutes = 15

[start]
network = ["Linear 4", "Tanh", "Linear 2"]

[start.data]
name = "circle"

[start.training]
epochs = 5

[[goals]]
name = "reach"
title = "Nine of ten points right"
all = [{{ of = "accuracy/validation", at_least = 0.9 }}]
hints = ["Where to look.", "What to think of.", "What to do: raise training.epochs to 40."]
solution = [{{ set = {{ "training.epochs" = 40, "optimizer.lr" = 0.03 }} }}]

[[questions]]
name = "first"
kind = "choice"
text = "What is learned here?"
choices = [
    {{ text = "The weights", right = true }},
    {{ text = "The data", why = "The data stay as they are; the weights move." }},
]
"""

PROSE = """# {title}

## The first step

Write what there is to see, and give the learner something to do: [train](do:run).

[Reach it](goal:reach)

[A question](question:first)
"""


def table() -> str:
    """Every lesson with what is done of it, and which comes next."""
    kept, problem = progress.load()
    rows = [("", "lesson", "minutes", "goals", "questions", "about")]
    found = library.every()
    books = [book for book in found.values() if isinstance(book, Book)]
    problems = [str(error) for error in found.values() if isinstance(error, InputError)]
    following = progress.next_lesson(books, kept)
    for book in books:
        done = kept.of(book.name)
        sign = "✓" if done.is_whole(book.lesson) else "▸" if book is following else " "
        rows.append(
            (
                sign, book.name, str(book.lesson.minutes),
                f"{len(done.goals)}/{len(book.lesson.goals)}",
                f"{done.right(book.lesson)}/{len(book.lesson.questions)}",
                book.lesson.summary,
            )
        )  # fmt: skip
    foot = [f"Open one: tuilab lessons open NAME. Your own belong in {paths.data() / 'lessons'}"]
    if kept.calibration is not None:
        foot.append(f"Your predictions were {kept.calibration:.0%} right on average.")
    if told := review.words(kept, len(review.due(kept, known=found))):
        foot.append(told)
    return "\n".join([columns(rows), "", *foot, *filter(None, [problem, *problems])])


# --- check ------------------------------------------------------------------------------------


def check(names: Sequence[str], *, train: bool, json: bool) -> int:
    """Check lessons and say what is wrong; the exit code."""
    code = exit_codes.DONE
    shipped = paths.presets() / "lessons"
    for folder in [library.find(name) for name in names] or list(library.folders().values()):
        try:
            book = library.read(folder)
            problems = lesson_validation.check(book)
            problems += lesson_validation.is_whole(book) if folder.is_relative_to(shipped) else []
        except InputError as error:
            problems = [str(error)]
        if problems:
            code = exit_codes.complain("\n".join(problems), exit_codes.BAD_INPUT)
            continue
        if not json:
            print(f"{book.name}: {len(book.pages)} steps, {len(book.lesson.goals)} goals, "
                  f"{len(book.lesson.questions)} questions: good")  # fmt: skip
        if train and not _prove(book, json):
            code = exit_codes.BAD_INPUT
    return code


def _prove(book: Book, json: bool) -> bool:
    from tuilab.cli.prove_lessons import prove

    is_good = True
    for proof in prove(book):
        is_good = is_good and proof.is_good
        if json:
            print(msgspec.json.encode(proof).decode(), flush=True)
            continue
        sign = "✓" if proof.is_good else "✗"
        told = proof.outcome or ", ".join(f"{name} {value}" for name, value in proof.values.items())
        fault = "" if proof.fails_untouched else "; the untouched start meets it"
        print(f"  {sign} {proof.kind} {proof.name}, seed {proof.seed}: {told}, "
              f"{proof.seconds:.1f} s{fault}", flush=True)  # fmt: skip
    return is_good


# --- new --------------------------------------------------------------------------------------


def new(name: str) -> Path:
    """Make a lesson's files from the template; InputError where there is one already."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name):
        raise InputError("use small letters, digits and hyphens, such as my-lesson", name)
    folder = paths.data() / "lessons" / name
    if folder.exists():
        raise InputError("there is such a lesson already", str(folder))
    title = name.replace("-", " ").capitalize()
    for file, text in ((library.FILE, TEMPLATE), (library.PROSE, PROSE)):
        write_atomically(folder / file, text.format(title=title).encode())
    return folder


# --- the glossary -----------------------------------------------------------------------------


def term(name: str) -> str:
    """One term with its formula, where it is met, and what is near to it."""
    found = glossary.find(name)
    return "\n".join(_paragraphs(found))


def _paragraphs(found: Term) -> list[str]:
    also = f" (also {', '.join(found.also)})" if found.also else ""
    rows = [(f"  {heading}", text) for heading, text in found.facts]
    return [f"{found.name}{also}", textwrap.fill(found.definition, 96), "", columns(rows)]


def every_term() -> str:
    """All terms, a line each."""
    return columns([(term.name, term.definition) for term in glossary.terms().values()])
