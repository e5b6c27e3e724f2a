"""Paths in an experiment: in its file relative to it, absolute while it is open."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from tuilab.core import paths
from tuilab.core.experiment.experiment import SECTIONS, Experiment
from tuilab.core.experiment.knobs import default_knobs
from tuilab.core.files.pipes import is_pipe, keep_piped
from tuilab.core.files.typed_path import clean_path


def iter_path_keys(experiment: Experiment) -> Iterator[tuple[str, str]]:
    """Yields the section and the name of every key that holds a path."""
    for section in SECTIONS:
        part: Struct = getattr(experiment, section)
        for name, knob in default_knobs(type(part)).items():
            if knob.is_path:
                yield section, name


def resolve_paths(experiment: Experiment, folder: Path) -> Experiment:
    """Returns the experiment with absolute paths.

    Args:
        folder: of the file that the experiment is written in.
    """
    for section, name in iter_path_keys(experiment):
        part = getattr(experiment, section)
        value = getattr(part, name)
        absolute = resolve_path(value, folder, is_file=section != "transfer")
        if absolute != value:
            part = replace(part, **{name: absolute})
            experiment = replace(experiment, **{section: part})
    return experiment


def restore_paths(experiment: Experiment) -> Experiment:
    """Returns an experiment from a message or a checkpoint with its paths as the file system has
    them: bytes of a name that are not UTF-8 are escaped there.
    """
    for section, name in iter_path_keys(experiment):
        part = getattr(experiment, section)
        value = getattr(part, name)
        if "\\x" in value and (restored := clean_path(value)) != value:
            part = replace(part, **{name: restored})
            experiment = replace(experiment, **{section: part})
    return experiment


def resolve_path(value: str, folder: Path, *, is_file: bool = True) -> str:
    """Returns an absolute path, or the name of a shipped file as it is.

    A relative path is searched for beside the experiment file, among the shipped files and, as in
    older versions, in the folder of the shell.

    Args:
        is_file: whether it can only be a path; else it may be the name of a run.
    """
    if not value.strip():
        return value
    if value != "-" and is_pipe(value):
        return str(keep_piped(value))
    value = clean_path(value)
    path = paths.expand_user(value)
    if path.is_absolute() or value.startswith("~"):
        return value
    folder, shell_folder = folder.absolute(), Path.cwd()
    beside = clean_path(str(folder / path))
    if _exists(Path(beside)):
        return os.path.normpath(beside)
    shipped = paths.presets_dir() / "data" / path
    if _exists(shipped):
        return str(shipped) if _exists(shell_folder / path) else value
    if _exists(shell_folder / path):
        return os.path.normpath(shell_folder / path)
    return os.path.normpath(folder / path) if is_file else value


def write_paths(
    tables: dict[str, Any], experiment: Experiment, folder: Path, before: dict[str, Any]
) -> None:
    """Changes the paths in the tables of a file to what is written in it.

    A path keeps the words in which the file has it already. A path into the folder of the file is
    written relative to it, so that both can be moved together.

    Args:
        before: the tables that the file has.
    """
    for section, name in iter_path_keys(experiment):
        value = getattr(getattr(experiment, section), name)
        table = before.get(section)
        current = table.get(name) if isinstance(table, dict) else None
        is_file = section != "transfer"
        if isinstance(current, str) and current != value:
            is_same = resolve_path(current, folder, is_file=is_file) == value
            tables[section][name] = current if is_same else _shorten(value, folder)
        elif current is None:
            tables[section][name] = _shorten(value, folder)


def _shorten(value: str, folder: Path) -> str:
    """Returns a path relative to a folder that it leads into; absolute if it does not."""
    path = paths.expand_user(value)
    if value and not path.is_absolute() and _exists(Path.cwd() / path):
        path = Path.cwd() / path  # typed in the lab, where it is relative to the shell's folder
    elif not path.is_absolute():
        return value
    if path.is_relative_to(folder.absolute()) and path != folder.absolute():
        return str(path.relative_to(folder.absolute()))
    return value if paths.expand_user(value).is_absolute() else str(path)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # too long a name, or a zero byte in it
        return False
