"""Experiment files: finds them by name, reads them with errors by line, writes them safely."""

import itertools
import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuilab.core import paths
from tuilab.core.errors import InputError, with_suggestion
from tuilab.core.experiment import share_string, validation
from tuilab.core.experiment.experiment import Experiment, experiment_from_dict
from tuilab.core.experiment.file_paths import resolve_paths
from tuilab.core.experiment.from_file import is_data, make_experiment
from tuilab.core.experiment.merge_toml import merge_toml
from tuilab.core.experiment.toml_lines import find_line
from tuilab.core.files import pipes
from tuilab.core.files.atomic_write import write_atomically
from tuilab.core.files.stored_file import read_stored
from tuilab.core.files.text_encoding import decode_text
from tuilab.core.files.typed_path import clean_path

MAX_NESTING = 100
"""Lists and tables inside each other at most; the network has its own, smaller limit."""


@dataclass(frozen=True, slots=True)
class Preset:
    """An experiment that can be opened by name."""

    name: str
    path: Path
    title: str
    description: str
    "The first paragraph of the comments at its top."


def find_presets() -> dict[str, Preset]:
    """Returns the shipped experiments and the user's own, which shadow shipped ones."""
    presets: dict[str, Preset] = {}
    for folder in (paths.presets_dir() / "experiments", paths.experiments_dir()):
        for path in sorted(folder.glob("*.toml")):
            presets[path.stem] = _read_preset(path)
    return presets


def _read_preset(path: Path) -> Preset:
    try:
        text = read_stored(path).decode("utf-8", "replace")
    except OSError as error:
        return Preset(path.stem, path, path.stem, f"It cannot be read: {error.strerror}.")
    comments = itertools.takewhile(lambda line: line.strip("# "), text.splitlines())
    description = " ".join(line.strip("# ") for line in comments if line.startswith("#"))
    title = re.search(r'^title\s*=\s*"([^"\n]+)"', text, re.MULTILINE)
    return Preset(path.stem, path, title[1] if title else path.stem, description)


def find(name: str) -> Path:
    """Returns the file of a preset's name or a path; InputError suggests the nearest name.

    It can also be data: a table, a text, or a folder of images, for which an experiment is made.
    What comes through a pipe or as a string is kept in a file first.
    """
    if share_string.is_share_string(name):
        return share_string.keep_shared(name)
    if pipes.is_pipe(name):
        return pipes.keep_piped(name)
    path = paths.expand_user(clean_path(name))
    if path.is_file():
        return path
    known = find_presets()
    if name in known:
        return known[name].path
    if name.strip() and path.is_dir():
        from tuilab.core.files.image_folders import holds_images

        if holds_images(path):
            return path
        if path.suffix or os.sep in name:
            problem = "this is a folder; an experiment is a .toml file, and it holds no images"
            raise InputError(problem, name)
    if path.stem in known and os.sep not in name:
        raise InputError(f"there is no such file; the preset is called {path.stem}", name)
    if path.suffix or os.sep in name:
        raise InputError("there is no such file", name)
    raise InputError(
        with_suggestion(
            "there is no preset or file of this name (`tuilab presets` lists all)", name, known
        ),
        name,
    )


def read(path: Path) -> Experiment:
    """Reads an experiment, or makes one for data; InputError names file, line, key and fix."""
    if is_data(path):
        return make_experiment(path)
    text = read_text(path)
    tables = parse_toml(text, path)
    try:
        experiment = experiment_from_dict(tables)
    except InputError as error:
        raise error.within(locate(path, text, error)) from None
    return resolve_paths(experiment, _base_folder(path))


def _base_folder(path: Path) -> Path:
    """Returns the folder that the paths in a file are relative to."""
    return Path.cwd() if pipes.is_kept(path) else path.parent


def read_text(path: Path) -> str:
    """Reads a text file; InputError where that is impossible."""
    try:
        return decode_text(read_stored(path))
    except OSError as error:
        raise InputError(error.strerror or "it cannot be read", str(path)) from None
    except UnicodeDecodeError:
        raise InputError("it is not UTF-8 text", str(path)) from None


def parse_toml(text: str, path: Path) -> dict[str, Any]:
    """Parses the text of a file; InputError names FILE:LINE, which editors can open."""
    try:
        return _load(text)
    except tomllib.TOMLDecodeError as error:
        problem, _, position = str(error).rpartition(" (at ")
        line = re.match(r"line (\d+)", position)
        where = f"{path}:{line[1]}" if line else str(path)
        raise InputError(f"this is not TOML: {problem or position}", where) from None
    except (ValueError, RecursionError):
        problem = "this cannot be read: a number in it is too long, or a list is nested too deep"
        raise InputError(problem, str(path)) from None


def _load(text: str) -> dict[str, Any]:
    """Parses TOML; raises ValueError or RecursionError where a value cannot be read."""
    tables = tomllib.loads(text)
    level: list[Any] = [tables]
    for _ in range(MAX_NESTING):
        level = [
            item
            for value in level
            for item in (value.values() if isinstance(value, dict) else value)
            if isinstance(item, (dict, list))
        ]
        if not level:
            return tables
    raise RecursionError


def locate(path: Path, text: str, error: InputError) -> str:
    """Returns FILE:LINE of an error about a key; only FILE if no line has the key."""
    key = error.where[-1] if error.where else ""
    unknown = re.match(r'there is no key "([^"]+)"', error.problem)
    line = unknown and find_line(text, f"{key}.{unknown[1]}".lstrip("."))
    line = line or find_line(text, key)
    return f"{path}:{line}" if line else str(path)


def find_errors(path: Path) -> list[str]:
    """Returns why the experiment of a file cannot be started, each with file and line."""
    experiment = read(path)
    if is_data(path):
        return validation.find_errors(experiment)
    text = read_text(path)
    errors = []
    for message in validation.find_errors(experiment):
        key, _, sentence = message.partition(": ")
        error = InputError(sentence, key)
        errors.append(str(error.within(locate(path, text, error))))
    return errors


def parse_value(text: str) -> Any:
    """Returns a value written in TOML; anything else is text, so that quotes can be left out."""
    try:
        tables = _load(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return tables["value"] if len(tables) == 1 else text


def write(path: Path, experiment: Experiment, *, is_complete: bool = False) -> None:
    """Writes an experiment; an existing file keeps its comments and its order.

    Args:
        is_complete: whether also values that are the default are written.
    """
    if path.exists() and not path.is_file():
        raise InputError("this is not a file; choose another name", str(path))
    try:
        previous_text = decode_text(read_stored(path)) if path.exists() else ""
        text = merge_toml(experiment, previous_text, path.parent, is_complete=is_complete)
    except (ValueError, RecursionError):
        raise InputError("the existing file is not TOML; choose another name", str(path)) from None
    write_atomically(path, text.encode())


def to_toml(experiment: Experiment) -> str:
    """Returns an experiment as TOML: what differs from the defaults."""
    return merge_toml(experiment)
