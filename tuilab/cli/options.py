"""Arguments and options that several commands share."""

from typing import Annotated

import typer

from tuilab.cli import completion


def format_examples(*lines: str) -> str:
    """Returns the examples for the end of a command's help."""
    heading = "Example:" if len(lines) == 1 else "Examples:"
    return "\n".join(["\b", heading, *(f"  {line}" for line in lines)])


RUN_HELP = "Any unique part of its id."

ExperimentName = Annotated[
    str,
    typer.Argument(
        metavar="PRESET|FILE",
        help="A preset, an experiment file, a string of `tuilab share`, or data: a table, a text, "
        "a folder of images.",
        autocompletion=completion.complete_experiments,
        show_default=False,
    ),
]
ExperimentNames = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="PRESET|FILE",
        help="Presets, experiment files, or data: a table, a text, a folder of images.",
        autocompletion=completion.complete_experiments,
        show_default=False,
    ),
]
ActiveRun = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help=RUN_HELP,
        autocompletion=completion.complete_active_runs,
        show_default=False,
    ),
]
StoredRun = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help=RUN_HELP,
        autocompletion=completion.complete_stored_runs,
        show_default=False,
    ),
]
AnyRun = Annotated[
    str,
    typer.Argument(
        metavar="RUN", help=RUN_HELP, autocompletion=completion.complete_runs, show_default=False
    ),
]
Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change a key of the experiment; can be repeated. Values are written as in TOML.",
        autocompletion=completion.complete_changes,
    ),
]
Device = Annotated[
    str,
    typer.Option(
        metavar="DEVICE",
        help="Where to train: auto, cpu, cuda, cuda:1, mps.",
        autocompletion=completion.complete_devices,
        show_default=False,
    ),
]
ResumedRun = Annotated[
    str,
    typer.Option(
        metavar="RUN",
        help="Resume a stored run from its checkpoint.",
        autocompletion=completion.complete_stored_runs,
        show_default=False,
    ),
]
Seeds = Annotated[
    str,
    typer.Option(
        metavar="N|LIST",
        help="Train this many seeds, or those of a list such as 3,7,11; shows mean and standard "
        "deviation.",
        show_default=False,
    ),
]
BranchedRun = Annotated[
    str,
    typer.Option(
        "--branch",
        metavar="RUN[@STEP]",
        help="Start a run from a snapshot of a stored one, or from its last state.",
        autocompletion=completion.complete_stored_runs,
        show_default=False,
    ),
]
AcceptsChangedData = Annotated[
    bool, typer.Option("--accept-changed-data", help="Resume although the data has changed.")
]
Notify = Annotated[
    list[str] | None,
    typer.Option(
        "--notify",
        metavar="WHEN",
        help="Notify me when the run ends or fails (end), or also when it first meets a condition "
        "such as 'validation.accuracy>0.95' or 'train.loss is nan'; can be repeated.",
        autocompletion=completion.complete_conditions,
    ),
]
JsonLine = Annotated[
    bool, typer.Option("--json", help="Print one line of JSON, an object, and nothing else.")
]
JsonList = Annotated[
    bool, typer.Option("--json", help="Print one line of JSON, a list, and nothing else.")
]
Plain = Annotated[bool, typer.Option("--plain", help="Plain lines without color or animation.")]
