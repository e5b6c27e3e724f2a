"""The commands of the course: `lessons` and `glossary`."""

import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tuilab.cli import exit_codes
from tuilab.cli.completion import complete_lessons, complete_terms
from tuilab.cli.help import Commands
from tuilab.cli.options import JsonList, format_examples
from tuilab.cli.output.tables import format_table
from tuilab.cli.target_file import expand_target
from tuilab.core.errors import InputError
from tuilab.core.format import format_counted, format_duration, format_percent

if TYPE_CHECKING:
    from tuilab.cli.prove_lessons import Proof
    from tuilab.core.lessons.library import LoadedLesson
    from tuilab.core.lessons.progress import Progress

commands = Commands()
lessons = Commands(help="Lists, opens, checks and creates lessons.", rich_markup_mode=None)
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
def list_lessons(context: typer.Context, *, json: JsonList = False) -> None:
    """Lists the lessons: what is done, what comes next."""
    if context.invoked_subcommand is not None:
        return
    from tuilab.cli.output.json import print_json
    from tuilab.core import paths
    from tuilab.core.lessons import library, progress, progress_file, review
    from tuilab.core.lessons.library import LoadedLesson

    stored, problem = progress_file.load_progress()
    entries = library.load_all()
    errors = [str(error) for error in entries.values() if isinstance(error, InputError)]
    loaded_lessons = [entry for entry in entries.values() if isinstance(entry, LoadedLesson)]
    next_lesson = progress.find_next_lesson(loaded_lessons, stored)
    summaries = [
        _summarize_lesson(loaded, stored, is_next=loaded is next_lesson)
        for loaded in loaded_lessons
    ]
    if json:
        print_json(summaries)
        return
    rows: list[tuple[str, ...]] = [("", "lesson", "minutes", "goals", "questions", "about")]
    rows += map(_describe_lesson, summaries)
    folder = paths.data_dir() / "lessons"
    print(f"{format_table(rows)}\n")
    print(f"Open one: tuilab lessons open NAME. Your own lessons belong in {folder}")
    if stored.calibration is not None:
        share = format_percent(stored.calibration)
        print(f"Your predictions were {share} right on average.")
    due = review.describe_due(stored, len(review.find_due_questions(stored, lessons=entries)))
    for line in filter(None, (due, problem, *errors)):
        print(line)


def _summarize_lesson(loaded: "LoadedLesson", stored: "Progress", is_next: bool) -> dict[str, Any]:
    done, lesson = stored.lesson(loaded.name), loaded.lesson
    return {
        "name": loaded.name, "title": lesson.title, "summary": lesson.summary,
        "minutes": lesson.minutes, "is_done": done.is_complete(lesson), "is_next": is_next,
        "goals": len(lesson.goals), "goals_met": len(done.goals),
        "questions": len(lesson.questions), "questions_right": done.count_correct(lesson),
        "folder": loaded.folder,
    }  # fmt: skip


def _describe_lesson(summary: dict[str, Any]) -> tuple[str, ...]:
    sign = "✓" if summary["is_done"] else "▸" if summary["is_next"] else " "
    goals = f"{summary['goals_met']}/{summary['goals']}"
    questions = f"{summary['questions_right']}/{summary['questions']}"
    minutes = str(summary["minutes"])
    return (sign, summary["name"], minutes, goals, questions, summary["summary"])


@lessons.command(
    "open", epilog=format_examples("tuilab lessons open perceptron", "tuilab lessons open 2")
)
def open_lesson(name: LessonName = "") -> int:
    """Opens a lesson in the lab; without a name, the next one."""
    from tuilab.cli.launch import require_terminal
    from tuilab.core.lessons import library, progress, progress_file
    from tuilab.core.lessons.library import LoadedLesson
    from tuilab.host import link

    if name:
        loaded = library.read_lesson(library.find_folder(name))
    else:
        entries = library.load_all().values()
        lessons = [entry for entry in entries if isinstance(entry, LoadedLesson)]
        loaded = progress.find_next_lesson(lessons, progress_file.load_progress()[0]) or lessons[0]
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
        typer.Argument(
            metavar="LESSON", help="Names, numbers or folders; without one, all are checked.",
            autocompletion=complete_lessons, show_default=False,
        ),
    ] = None,
    *,
    train: Annotated[
        bool,
        typer.Option(
            "--train", help="Train too: the start must miss each goal, its solution must meet it."
        ),
    ] = False,
    json: JsonList = False,
) -> int:  # fmt: skip
    """Checks some lessons, or all of them.

    Checks keys, links, terms, shapes, questions and goals. Prints each error with its file and key.
    Exit codes: 0 all are valid, 2 some are not.
    """
    from tuilab.cli.output.json import print_json
    from tuilab.core.lessons import library

    code, reports = exit_codes.DONE, []
    every = library.list_folders().values()
    for folder in [library.find_folder(name) for name in names or ()] or every:
        report, loaded = _check_lesson(folder)
        reports.append(report)
        if loaded is None:
            code = exit_codes.report_error("\n".join(report["errors"]), exit_codes.BAD_INPUT)
            continue
        if not json:
            print(_describe_good_lesson(loaded))
        if train:
            report["proofs"] = _prove(loaded, json)
            if not all(proof.is_good for proof in report["proofs"]):
                code = exit_codes.BAD_INPUT
    if json:
        print_json(reports)
    return code


def _check_lesson(folder: Path) -> "tuple[dict[str, Any], LoadedLesson | None]":
    """Returns what is wrong with a lesson, and the lesson itself if nothing is."""
    from tuilab.core import paths
    from tuilab.core.lessons import lesson_validation, library

    try:
        loaded = library.read_lesson(folder)
        errors = lesson_validation.validate_lesson(loaded)
        if folder.is_relative_to(paths.presets_dir() / "lessons"):
            errors += lesson_validation.list_missing(loaded)
    except InputError as error:
        return {"folder": folder, "errors": [str(error)]}, None
    report = {"folder": folder, "lesson": loaded.name, "errors": errors}
    return report, None if errors else loaded


def _describe_good_lesson(loaded: "LoadedLesson") -> str:
    pages = format_counted(len(loaded.pages), "step")
    goals = format_counted(len(loaded.lesson.goals), "goal")
    questions = format_counted(len(loaded.lesson.questions), "question")
    return f"{loaded.name}: {pages}, {goals}, {questions}: valid"


def _prove(loaded: "LoadedLesson", json: bool) -> "list[Proof]":
    """Trains the start and the solutions of a lesson; prints each proof, unless as JSON."""
    from tuilab.cli.prove_lessons import prove_lesson

    proofs = []
    for proof in prove_lesson(loaded):
        proofs.append(proof)
        if json:
            continue
        sign = "✓" if proof.is_good else "✗"
        values = ", ".join(f"{name} {value}" for name, value in proof.values.items())
        problem = "" if proof.fails_untouched else "; the unchanged start meets it"
        print(f"  {sign} {proof.kind} {proof.name}, seed {proof.seed}: {proof.outcome or values}, "
              f"{format_duration(proof.seconds)}{problem}", flush=True)  # fmt: skip
    return proofs


@lessons.command("new", epilog=format_examples("tuilab lessons new my-lesson"))
def create_lesson(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Its name, such as my-lesson.", show_default=False)
    ],
) -> None:
    """Creates a lesson of your own from a template.

    It goes to your lessons folder. A lesson with the same name replaces the shipped one.
    """
    from tuilab.core import paths
    from tuilab.core.files.atomic_write import write_atomically
    from tuilab.core.lessons import library

    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,99}", name):
        problem = "use up to 100 lower-case letters, digits and hyphens, such as my-lesson"
        raise InputError(problem, name)
    folder = paths.data_dir() / "lessons" / name
    if folder.exists():
        raise InputError("this lesson already exists", str(folder))
    title = name.replace("-", " ").capitalize()
    for file, text in ((library.FILE, LESSON_TEMPLATE), (library.PROSE, PROSE_TEMPLATE)):
        write_atomically(folder / file, text.format(title=title).encode())
    print(f"Created {folder}. Try it: tuilab lessons open {name}")


@lessons.command("export", epilog=format_examples("tuilab lessons export progress.json"))
def export_progress(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.")],
) -> int:
    """Writes your progress to a file.

    A backup of what your progress does not have is not replaced. Exit codes: 0 done, 1 your
    progress cannot be read, 2 the file cannot be written or is another one.
    """
    from tuilab.core.lessons import progress_file

    target = expand_target(file)
    stored, problem = progress_file.load_progress()
    if problem:
        return exit_codes.report_error(f"nothing was written. {problem}", exit_codes.FAILED)
    progress_file.export_progress(stored, target)
    print(f"{format_counted(len(stored.lessons), 'lesson')} written to {file}")
    return exit_codes.DONE


@commands.command(epilog=format_examples("tuilab glossary", "tuilab glossary momentum"))
def glossary(
    term: Annotated[
        str,
        typer.Argument(
            metavar="TERM", help="A term; without one, all are listed.",
            autocompletion=complete_terms, show_default=False,
        ),
    ] = "",
    *,
    json: JsonList = False,
) -> None:  # fmt: skip
    """Explains a term of the course, or lists all terms."""
    from tuilab.cli.output.json import print_json
    from tuilab.core.lessons import glossary

    if json:
        print_json([glossary.find_term(term)] if term else list(glossary.load_terms().values()))
        return
    if not term:
        terms = glossary.load_terms().values()
        print(format_table((known.name, known.definition) for known in terms))
        return
    entry = glossary.find_term(term)
    also = f" (also {', '.join(entry.also)})" if entry.also else ""
    facts = format_table((f"  {heading}", text) for heading, text in entry.facts)
    print(f"{entry.name}{also}\n{textwrap.fill(entry.definition, 96)}\n\n{facts}")


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
