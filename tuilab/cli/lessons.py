"""The commands of the course: its lessons, their checks, the glossary."""

from pathlib import Path
from typing import Annotated

import typer

from tuilab.cli import exit_codes
from tuilab.cli.options import JsonLine, example, lesson_names, terms

courses = typer.Typer()
lessons = typer.Typer(help="Show the lessons, open, check and make them.", rich_markup_mode=None)
courses.add_typer(lessons, name="lessons")

LessonName = Annotated[
    str,
    typer.Argument(
        metavar="LESSON", help="Its name, its number, or its folder.",
        autocompletion=lesson_names, show_default=False,
    ),
]  # fmt: skip


@lessons.callback(
    invoke_without_command=True,
    epilog=example("tuilab lessons", "tuilab lessons open perceptron", "tuilab lessons check"),
)
def listed(context: typer.Context) -> None:
    """List the lessons: what is done, what comes next."""
    if context.invoked_subcommand is None:
        from tuilab.cli.output import lesson_reports as room

        typer.echo(room.table())


@lessons.command("open", epilog=example("tuilab lessons open perceptron", "tuilab lessons open 2"))
def open_lesson(name: LessonName = "") -> int:
    """Open a lesson in the lab; without a name, the next one."""
    from tuilab.cli.open import open_course

    return open_course(name)


@lessons.command("check", epilog=example("tuilab lessons check", "tuilab lessons check . --train"))
def check_lessons(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="LESSON...", autocompletion=lesson_names, show_default=False),
    ] = None,
    *,
    train: Annotated[
        bool,
        typer.Option("--train", help="Train too: starts must fail the goals, solutions meet them."),
    ] = False,
    json: JsonLine = False,
) -> int:
    """Check lessons, or all there are: keys, links, terms, shapes, questions, goals.

    Every problem is told with its file and key. Exit codes: 0 all are good, 2 some are not.
    """
    from tuilab.cli.output import lesson_reports as room

    return room.check(names or [], train=train, json=json)


@lessons.command("new", epilog=example("tuilab lessons new my-lesson"))
def new_lesson(name: Annotated[str, typer.Argument(metavar="NAME", show_default=False)]) -> None:
    """Make a lesson of your own, ready to be filled in.

    It goes to your lessons folder; one of the same name as a shipped lesson comes instead of it.
    """
    from tuilab.cli.output import lesson_reports as room

    typer.echo(f"{room.new(name)} is yours. Try it: tuilab lessons open {name}")


@lessons.command("export", epilog=example("tuilab lessons export progress.json"))
def export_progress(file: Annotated[Path, typer.Argument(metavar="FILE")]) -> None:
    """Write your progress to a file."""
    from tuilab.core.lessons import progress

    kept, problem = progress.load()
    if problem:
        exit_codes.complain(problem, exit_codes.FAILED)
    progress.save(kept, file)
    typer.echo(f"{len(kept.lessons)} lessons written to {file}")


@courses.command(epilog=example("tuilab glossary momentum"))
def glossary(
    term: Annotated[
        str, typer.Argument(metavar="TERM", autocompletion=terms, show_default=False)
    ] = "",
) -> None:
    """Explain a term of the course, or list all of them."""
    from tuilab.cli.output import lesson_reports as room

    typer.echo(room.term(term) if term else room.every_term())
