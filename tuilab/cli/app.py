"""The Typer app: the groups of commands, `--version`, and usage errors."""

from typing import Annotated

import typer

from tuilab.cli import (
    alerts,
    compare,
    exit_codes,
    lessons,
    queue,
    reference,
    runs,
    share,
    snapshots,
    stored_runs,
    study,
    train,
)
from tuilab.cli.command_names import COMMANDS
from tuilab.cli.help import LabGroup, describe_usage_error
from tuilab.cli.open import commands as open_commands
from tuilab.cli.options import format_examples
from tuilab.core.errors import InputError
from tuilab.core.version import installed_version

app = typer.Typer(
    cls=LabGroup,
    help="A training lab for neural networks in the terminal.",
    epilog=format_examples(
        "tuilab                  open the lab",
        "tuilab spiral           open a preset",
        "tuilab train spiral     train without the lab",
    ),
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for group in (
    open_commands, train.commands, study.commands, runs.commands, snapshots.commands,
    stored_runs.commands, compare.commands, queue.commands, reference.commands, share.commands,
    alerts.commands, lessons.commands,
):  # fmt: skip
    app.add_typer(group)


@app.callback(invoke_without_command=True)
def show_version(
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    """Prints the version."""
    if version:
        print(f"tuilab {installed_version()}")
        raise typer.Exit


def run_app(arguments: list[str]) -> int:
    """Runs one command; returns the exit code."""
    try:
        return int(app(arguments, prog_name="tuilab", standalone_mode=False) or exit_codes.DONE)
    except typer.TyperException as error:
        first, *rest = arguments or [""]
        if first == "open" and rest and (unknown := _describe_unknown(rest[0])):
            return exit_codes.report_error(unknown, exit_codes.BAD_INPUT)
        command = f"tuilab {first}" if first in COMMANDS else "tuilab"
        problem = describe_usage_error(error)
        return exit_codes.report_error(f"{problem}. See {command} --help", exit_codes.BAD_INPUT)
    except typer.Abort:
        return exit_codes.INTERRUPTED
    except SystemExit as error:
        if isinstance(error.__context__, BrokenPipeError):  # Typer would exit with 1
            raise error.__context__ from None
        raise


def _describe_unknown(name: str) -> str:
    """Returns what is wrong with the name of what to open, which may be a mistyped command."""
    from tuilab.cli.launch import find_experiment

    try:
        if not name.startswith("-"):
            find_experiment(name)
    except InputError as error:
        return str(error)
    return ""
