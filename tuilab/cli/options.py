"""What commands take, declared once: types, help, and what a shell offers to complete."""

from pathlib import Path
from typing import Annotated

import typer


def example(*lines: str) -> str:
    """Examples for the end of a command's help."""
    heading = "Example:" if len(lines) == 1 else "Examples:"
    return "\n".join(["\b", heading, *(f"  {line}" for line in lines)])


def experiments(incomplete: str) -> list[str]:
    """What the shell offers for PRESET|FILE."""
    from tuilab.core.experiment import toml_file

    folder, start = (Path(incomplete), "") if incomplete.endswith("/") else (
        Path(incomplete).parent, Path(incomplete).name,
    )  # fmt: skip
    paths = [path for path in sorted(folder.glob(f"{start}*")) if not path.name.startswith(".")]
    names = [name for name in toml_file.presets() if name.startswith(incomplete)]
    names += [str(path) for path in paths if path.suffix == ".toml"]
    return names + [f"{path}/" for path in paths if path.is_dir()]


def layers(incomplete: str) -> list[str]:
    """What the shell offers for a layer."""
    from tuilab.core.network.registry import LAYERS

    return [name for name in LAYERS if name.lower().startswith(incomplete.lower())]


def explained(incomplete: str) -> list[str]:
    """What the shell offers for a name of the catalogue."""
    from tuilab.core.reference import articles

    return [name for name in articles.names() if name.lower().startswith(incomplete.lower())]


def lesson_names(incomplete: str) -> list[str]:
    """What the shell offers for a lesson."""
    from tuilab.core.lessons import library

    return [name for name in library.folders() if name.startswith(incomplete)]


def terms(incomplete: str) -> list[str]:
    """What the shell offers for a term of the glossary."""
    from tuilab.core.lessons import glossary

    return [name for name in glossary.terms() if name.startswith(incomplete.lower())]


def stored(incomplete: str) -> list[str]:
    """What the shell offers for a run that is on the disk."""
    from tuilab.host import run_store

    return [path.name for path in run_store.stored() if path.name.startswith(incomplete)]


def runs(incomplete: str) -> list[str]:
    """What the shell offers for a run in progress."""
    from tuilab.host import discovery

    return [host.run for host in discovery.hosts() if host.run.startswith(incomplete)]


ExperimentName = Annotated[
    str, typer.Argument(metavar="PRESET|FILE", autocompletion=experiments, show_default=False)
]
RunName = Annotated[
    str,
    typer.Argument(
        metavar="RUN", help="Any unique part of its id.", autocompletion=runs, show_default=False
    ),
]
Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change one key of the experiment, as often as needed; values are written as in TOML.",
    ),
]
Device = Annotated[
    str, typer.Option(help="Where to train: auto, cpu, cuda, cuda:1, mps.", show_default=False)
]
JsonLine = Annotated[bool, typer.Option("--json", help="Print one line of JSON.")]
Plain = Annotated[bool, typer.Option("--plain", help="Plain lines, without colour or movement.")]
