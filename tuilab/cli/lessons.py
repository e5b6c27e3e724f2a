"""The commands of the course: `lessons` and `glossary`."""

import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tuilab.cli import exit_codes
from tuilab.cli.options import JsonLine, complete_lessons, complete_terms, format_examples
from tuilab.cli.output.tables import format_table
from tuilab.core.errors import InputError
from tuilab.core.format import format_counted, format_duration, format_percent

if TYPE_CHECKING:
    from tuilab.core.lessons.library import LoadedLesson

commands = typer.Typer()
lessons = typer.Typer(help="Lists, opens, checks and creates lessons.", rich_markup_mode=None)
commands.add_typer(lessons, name="lessons")

LessonName = Annotated[
    str,
    typer.Argument(
        metavar="LESSON", help="Its name, its number, or its folder.",
        autocompletion=complete_lessons, show_default=False,
    ),
]  # fmt: skip


@lessons.callback(
    invoke_without_command=True,
    epilog=format_examples(
        "tuilab lessons", "tuilab lessons open perceptron", "tuilab lessons check"
    ),
)
def list_lessons(context: typer.Context) -> None:
    """Lists the lessons: what is done, what comes next."""
    if context.invoked_subcommand is not None:
        return
    from tuilab.core import paths
    from tuilab.core.lessons import library, progress, review
    from tuilab.core.lessons.library import LoadedLesson

    stored, problem = progress.load_progress()
    entries = library.load_all()
    errors = [str(error) for error in entries.values() if isinstance(error, InputError)]
    loaded_lessons = [entry for entry in entries.values() if isinstance(entry, LoadedLesson)]
    next_lesson = progress.find_next_lesson(loaded_lessons, stored)
    rows = [("", "lesson", "minutes", "goals", "questions", "about")]
    for loaded in loaded_lessons:
        done = stored.lesson(loaded.name)
        sign = "✓" if done.is_complete(loaded.lesson) else "▸" if loaded is next_lesson else " "
        goals = f"{len(done.goals)}/{len(loaded.lesson.goals)}"
        questions = f"{done.count_correct(loaded.lesson)}/{len(loaded.lesson.questions)}"
        minutes = str(loaded.lesson.minutes)
        rows.append((sign, loaded.name, minutes, goals, questions, loaded.lesson.summary))
    folder = paths.data_dir() / "lessons"
    typer.echo(f"{format_table(rows)}\n")
    typer.echo(f"Open one: tuilab lessons open NAME. Your own lessons belong in {folder}")
    if stored.calibration is not None:
        share = format_percent(stored.calibration)
        typer.echo(f"Your predictions were {share} right on average.")
    due = review.describe_due(stored, len(review.find_due_questions(stored, lessons=entries)))
    for line in filter(None, (due, problem, *errors)):
        typer.echo(line)


@lessons.command(
    "open", epilog=format_examples("tuilab lessons open perceptron", "tuilab lessons open 2")
)
def open_lesson(name: LessonName = "") -> int:
    """Opens a lesson in the lab; without a name, the next one."""
    from tuilab.cli.launch import require_terminal
    from tuilab.core.lessons import library, progress
    from tuilab.core.lessons.library import LoadedLesson
    from tuilab.host import link

    if name:
        loaded = library.read_lesson(library.find_folder(name))
    else:
        entries = library.load_all().values()
        lessons = [entry for entry in entries if isinstance(entry, LoadedLesson)]
        loaded = progress.find_next_lesson(lessons, progress.load_progress()[0]) or lessons[0]
    require_terminal("lessons open")
    host = link.spawn_host()
    from tuilab.ui import app

    return app.run_app(host, loaded.lesson.start, lesson=str(loaded.folder))


@lessons.command(
    "check", epilog=format_examples("tuilab lessons check", "tuilab lessons check . --train")
)
def check_lessons(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="LESSON...", autocompletion=complete_lessons, show_default=False),
    ] = None,
    *,
    train: Annotated[
        bool,
        typer.Option(
            "--train", help="Train too: the start must miss each goal, its solution must meet it."
        ),
    ] = False,
    json: JsonLine = False,
) -> int:
    """Checks some lessons, or all of them.

    Checks keys, links, terms, shapes, questions and goals. Prints each error with its file and key.
    Exit codes: 0 all are valid, 2 some are not.
    """
    from tuilab.core import paths
    from tuilab.core.lessons import lesson_validation, library

    code = exit_codes.DONE
    shipped = paths.presets_dir() / "lessons"
    every = library.list_folders().values()
    for folder in [library.find_folder(name) for name in names or ()] or every:
        try:
            loaded = library.read_lesson(folder)
            errors = lesson_validation.validate_lesson(loaded)
            if folder.is_relative_to(shipped):
                errors += lesson_validation.list_missing(loaded)
        except InputError as error:
            errors = [str(error)]
        if errors:
            code = exit_codes.report_error("\n".join(errors), exit_codes.BAD_INPUT)
            continue
        if not json:
            pages = format_counted(len(loaded.pages), "step")
            goals = format_counted(len(loaded.lesson.goals), "goal")
            questions = format_counted(len(loaded.lesson.questions), "question")
            typer.echo(f"{loaded.name}: {pages}, {goals}, {questions}: good")
        if train and not _prove(loaded, json):
            code = exit_codes.BAD_INPUT
    return code


def _prove(loaded: "LoadedLesson", json: bool) -> bool:
    """Trains the start and the solutions of a lesson; returns whether all proofs are good."""
    import msgspec

    from tuilab.cli.prove_lessons import prove_lesson

    is_good = True
    for proof in prove_lesson(loaded):
        is_good = is_good and proof.is_good
        if json:
            print(msgspec.json.encode(proof).decode(), flush=True)
            continue
        sign = "✓" if proof.is_good else "✗"
        values = ", ".join(f"{name} {value}" for name, value in proof.values.items())
        problem = "" if proof.fails_untouched else "; the unchanged start meets it"
        print(f"  {sign} {proof.kind} {proof.name}, seed {proof.seed}: {proof.outcome or values}, "
              f"{format_duration(proof.seconds)}{problem}", flush=True)  # fmt: skip
    return is_good


@lessons.command("new", epilog=format_examples("tuilab lessons new my-lesson"))
def create_lesson(
    name: Annotated[str, typer.Argument(metavar="NAME", show_default=False)],
) -> None:
    """Creates a lesson of your own from a template.

    It goes to your lessons folder. A lesson with the same name replaces the shipped one.
    """
    from tuilab.core import paths
    from tuilab.core.experiment.toml_file import write_atomically
    from tuilab.core.lessons import library

    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name):
        raise InputError("use lower-case letters, digits and hyphens, such as my-lesson", name)
    folder = paths.data_dir() / "lessons" / name
    if folder.exists():
        raise InputError("this lesson already exists", str(folder))
    title = name.replace("-", " ").capitalize()
    for file, text in ((library.FILE, LESSON_TEMPLATE), (library.PROSE, PROSE_TEMPLATE)):
        write_atomically(folder / file, text.format(title=title).encode())
    typer.echo(f"Created {folder}. Try it: tuilab lessons open {name}")


@lessons.command("export", epilog=format_examples("tuilab lessons export progress.json"))
def export_progress(file: Annotated[Path, typer.Argument(metavar="FILE")]) -> None:
    """Writes your progress to a file."""
    from tuilab.core.lessons import progress

    stored, problem = progress.load_progress()
    if problem:
        exit_codes.report_error(problem, exit_codes.FAILED)
    progress.save_progress(stored, file)
    typer.echo(f"{len(stored.lessons)} lessons written to {file}")


@commands.command(epilog=format_examples("tuilab glossary momentum"))
def glossary(
    term: Annotated[
        str, typer.Argument(metavar="TERM", autocompletion=complete_terms, show_default=False)
    ] = "",
) -> None:
    """Explains a term of the course, or lists all terms."""
    from tuilab.core.lessons import glossary

    if not term:
        terms = glossary.load_terms().values()
        typer.echo(format_table((known.name, known.definition) for known in terms))
        return
    found = glossary.find_term(term)
    also = f" (also {', '.join(found.also)})" if found.also else ""
    facts = format_table((f"  {heading}", text) for heading, text in found.facts)
    typer.echo(f"{found.name}{also}\n{textwrap.fill(found.definition, 96)}\n\n{facts}")


LESSON_TEMPLATE = """format = 1
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
hints = ["Where to look.", "What to consider.", "What to do: raise training.epochs to 40."]
solution = [{{ set = {{ "training.epochs" = 40, "optimizer.lr" = 0.03 }} }}]

[[questions]]
name = "first"
kind = "choice"
text = "What does training change?"
choices = [
    {{ text = "The weights", right = true }},
    {{ text = "The data", why = "The data stay the same; the weights change." }},
]
"""

PROSE_TEMPLATE = """# {title}

## The first step

Describe what can be seen, and give the learner something to do: [train](do:run).

[Reach it](goal:reach)

[A question](question:first)
"""
