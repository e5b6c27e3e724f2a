"""The command `tuilab compare`: what differs between stored runs."""

from typing import Annotated

import typer

from tuilab.cli import completion
from tuilab.cli.help import Commands
from tuilab.cli.options import RUN_HELP, format_examples
from tuilab.core.errors import InputError

commands = Commands()


@commands.command(
    epilog=format_examples(
        "tuilab compare spiral-7f3a spiral-12ab",
        "tuilab compare spiral-7f3a",
        "tuilab compare spiral-7f3a spiral-12ab --markdown",
    )
)
def compare(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN", help=RUN_HELP, autocompletion=completion.complete_stored_runs,
            show_default=False,
        ),
    ],
    *,
    json: Annotated[
        bool, typer.Option("--json", help="Print one line of JSON and nothing else.")
    ] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a Markdown table.")] = False,
) -> None:  # fmt: skip
    """Shows what differs between stored runs, and their results.

    Differences are from the pinned run if it is one of them, else from the first. A single run is
    compared with the pinned run, else with its preset. Where a run was repeated over several seeds
    it says whether a difference is more than what the seeds do.
    """
    if json and markdown:
        raise InputError("give --json or --markdown, not both", "compare")
    from tuilab.cli.output.json import print_json
    from tuilab.cli.output.tables import terminal_width
    from tuilab.core.run.compare_runs import to_builtins
    from tuilab.core.run.comparison_table import write_markdown, write_table
    from tuilab.host.run_library import RunLibrary

    comparison = RunLibrary().compare(runs)
    if json:
        print_json(to_builtins(comparison))
    elif markdown:
        print(write_markdown(comparison))
    else:
        print("\n".join(line.text for line in write_table(comparison, terminal_width())))
