"""The command `share`: an experiment as a short string."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tuilab.cli import completion
from tuilab.cli.help import Commands
from tuilab.cli.options import JsonLine, Sets, format_examples
from tuilab.core.errors import InputError

if TYPE_CHECKING:  # help must not wait for it
    from tuilab.core.experiment.experiment import Experiment

commands = Commands()


@commands.command(
    epilog=format_examples(
        "tuilab open tl1.jJeH7RsNG5xhAwA",
        "tuilab share spiral --set optimizer.lr=0.05",
        "tuilab share spiral-4e2b --copy",
    )
)
def share(
    experiment: Annotated[
        str,
        typer.Argument(
            metavar="PRESET|FILE|RUN",
            help="A preset, an experiment file, or any unique part of a run's id. "
            "Without it: what was open last.",
            autocompletion=completion.complete_shared,
            show_default=False,
        ),
    ] = "",
    sets: Sets = None,
    *,
    copy: Annotated[
        bool, typer.Option("--copy", help="Also copy it to the clipboard of the terminal.")
    ] = False,
    json: JsonLine = False,
) -> None:
    """Prints an experiment as a short string.

    `tuilab open`, `train` and `check` take the string in the place of a file, and so does the
    dialog that opens an experiment (ctrl+o). It holds every key that is not the default, and no
    data: an experiment on a file of yours cannot be shared like this.
    """
    from tuilab.cli.output.json import print_json
    from tuilab.core.experiment import share_string
    from tuilab.core.format import format_counted

    string = share_string.encode(_find(experiment, sets or []))
    if json:
        print_json({"string": string, "characters": len(string)})
    else:
        print(string)
    if copy:
        _copy(string)
    if sys.stdout.isatty() and not json:
        is_copied = "copied, " if copy else ""
        count = format_counted(len(string), "character")
        print(f"{is_copied}{count}; open it with: tuilab open STRING", file=sys.stderr)


def _find(name: str, sets: list[str]) -> "Experiment":
    """Returns a preset, the experiment of a file or of a run, or what was open last."""
    from tuilab.cli.launch import find_last_opened
    from tuilab.cli.overrides import apply_overrides, read_with_changes
    from tuilab.cli.short_form import DEFAULT_PRESET

    if not name and (last := find_last_opened()) is not None:
        return apply_overrides(last.experiment, sets)
    return read_with_changes(_find_file(name or DEFAULT_PRESET), sets)


def _find_file(name: str) -> Path:
    from tuilab.core.experiment import toml_file
    from tuilab.host import run_store

    try:
        return toml_file.find(name)
    except InputError:
        if not any(name in folder.name for folder in run_store.list_runs()):
            raise
        return run_store.find_run(name) / run_store.EXPERIMENT


def _copy(string: str) -> None:
    """Copies a string by way of the terminal; InputError where there is none."""
    from tuilab.cli.streams import get_raw_stream
    from tuilab.ui.terminal import clipboard

    stream = next((each for each in (sys.stderr, sys.stdout) if each.isatty()), None)
    if stream is None:
        raise InputError("there is no terminal to copy by", "--copy")
    get_raw_stream(stream).write(clipboard.copy_sequence(string))
    stream.flush()
