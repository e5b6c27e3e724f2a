"""The command `open`."""

from typing import Annotated

import typer

from tuilab.cli.help import Commands
from tuilab.cli.options import ExperimentName, Notify, Plain, Sets, format_examples

commands = Commands()


@commands.command(
    "open",
    epilog=format_examples(
        "tuilab", "tuilab spiral", "tuilab open mine.toml --set data.root=~/data"
    ),
)
def open_command(
    experiment: ExperimentName = "",
    sets: Sets = None,
    in_process: Annotated[
        bool, typer.Option("--in-process", help="Train in this process, without a host.")
    ] = False,
    plain: Plain = False,
    notify: Notify = None,
) -> int:
    """Opens the lab with a preset or a file.

    Without a name: what was open last, or the preset spiral.
    """
    # The only command that calls another function: `tuilab NAME` reaches it without Typer.
    from tuilab.cli.launch import open_experiment

    return open_experiment(
        experiment, sets or (), in_process=in_process, plain=plain, notify=notify or ()
    )
