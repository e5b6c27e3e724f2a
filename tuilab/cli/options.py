"""Arguments and options that several commands share, and their shell completion."""

from pathlib import Path
from typing import Annotated

import typer


def format_examples(*lines: str) -> str:
    """Returns the examples for the end of a command's help."""
    heading = "Example:" if len(lines) == 1 else "Examples:"
    return "\n".join(["\b", heading, *(f"  {line}" for line in lines)])


def complete_experiments(incomplete: str) -> list[str]:
    """Completes PRESET|FILE."""
    from tuilab.core.experiment import toml_file

    folder, start = (Path(incomplete), "") if incomplete.endswith("/") else (
        Path(incomplete).parent, Path(incomplete).name,
    )  # fmt: skip
    paths = [path for path in sorted(folder.glob(f"{start}*")) if not path.name.startswith(".")]
    names = [name for name in toml_file.find_presets() if name.startswith(incomplete)]
    names += [str(path) for path in paths if path.suffix == ".toml"]
    return names + [f"{path}/" for path in paths if path.is_dir()]


def complete_layers(incomplete: str) -> list[str]:
    """Completes the name of a layer."""
    from tuilab.core.network.registry import LAYERS

    return [name for name in LAYERS if name.lower().startswith(incomplete.lower())]


def complete_articles(incomplete: str) -> list[str]:
    """Completes a name that `tuilab explain` knows."""
    from tuilab.core.reference.articles import article_names

    return [name for name in article_names() if name.lower().startswith(incomplete.lower())]


def complete_lessons(incomplete: str) -> list[str]:
    """Completes the name of a lesson."""
    from tuilab.core.lessons import library

    return [name for name in library.list_folders() if name.startswith(incomplete)]


def complete_terms(incomplete: str) -> list[str]:
    """Completes a term of the glossary."""
    from tuilab.core.lessons import glossary

    return [name for name in glossary.load_terms() if name.startswith(incomplete.lower())]


def complete_stored_runs(incomplete: str) -> list[str]:
    """Completes the id of a stored run."""
    from tuilab.host import run_store

    return [path.name for path in run_store.list_runs() if path.name.startswith(incomplete)]


def complete_active_runs(incomplete: str) -> list[str]:
    """Completes the id of a run in progress."""
    from tuilab.host import discovery

    return [host.run for host in discovery.list_hosts() if host.run.startswith(incomplete)]


RUN_HELP = "Any unique part of its id."

ExperimentName = Annotated[
    str,
    typer.Argument(metavar="PRESET|FILE", autocompletion=complete_experiments, show_default=False),
]
ActiveRun = Annotated[
    str,
    typer.Argument(
        metavar="RUN", help=RUN_HELP, autocompletion=complete_active_runs, show_default=False
    ),
]
StoredRun = Annotated[
    str,
    typer.Argument(
        metavar="RUN", help=RUN_HELP, autocompletion=complete_stored_runs, show_default=False
    ),
]
Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change a key of the experiment; can be repeated. Values are written as in TOML.",
    ),
]
Device = Annotated[
    str, typer.Option(help="Where to train: auto, cpu, cuda, cuda:1, mps.", show_default=False)
]
JsonLine = Annotated[bool, typer.Option("--json", help="Print one line of JSON.")]
Plain = Annotated[bool, typer.Option("--plain", help="Plain lines without color or animation.")]
