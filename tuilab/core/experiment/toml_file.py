"""Experiment files: finds them by name, reads them with errors by line, writes them safely."""

import difflib
import itertools
import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuilab.core import paths
from tuilab.core.errors import InputError, with_suggestion
from tuilab.core.experiment import validation
from tuilab.core.experiment.experiment import Experiment, experiment_from_dict, experiment_to_dict
from tuilab.core.experiment.toml_lines import find_line
from tuilab.core.files.atomic_write import write_atomically

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
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        return Preset(path.stem, path, path.stem, f"It cannot be read: {error.strerror}.")
    comments = itertools.takewhile(lambda line: line.strip("# "), text.splitlines())
    description = " ".join(line.strip("# ") for line in comments if line.startswith("#"))
    title = re.search(r'^title\s*=\s*"([^"\n]+)"', text, re.MULTILINE)
    return Preset(path.stem, path, title[1] if title else path.stem, description)


def find(name: str) -> Path:
    """Returns the file of a preset's name or a path; InputError suggests the nearest name."""
    path = paths.expand_user(name)
    if path.is_file():
        return path
    if path.is_dir() and (path.suffix or os.sep in name):
        raise InputError("this is a folder; an experiment is a .toml file", name)
    known = find_presets()
    if name in known:
        return known[name].path
    if path.stem in known and os.sep not in name:
        raise InputError(f"there is no such file; the preset is called {path.stem}", name)
    if path.suffix or os.sep in name:
        raise InputError("there is no such file", name)
    raise InputError(with_suggestion("there is no preset or file of this name", name, known), name)


def read(path: Path) -> Experiment:
    """Reads an experiment; InputError names the file, the line, the key and the fix."""
    text = read_text(path)
    tables = parse_toml(text, path)
    try:
        return experiment_from_dict(tables)
    except InputError as error:
        raise error.within(locate(path, text, error)) from None


def read_text(path: Path) -> str:
    """Reads a file in UTF-8; InputError where that is impossible."""
    try:
        return path.read_text(encoding="utf-8")
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
    text = path.read_text(encoding="utf-8")
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


def write(path: Path, experiment: Experiment) -> None:
    """Writes an experiment; an existing file keeps its comments and its order."""
    if path.exists() and not path.is_file():
        raise InputError("this is not a file; choose another name", str(path))
    try:
        previous_text = path.read_text(encoding="utf-8") if path.exists() else ""
        text = to_toml(experiment, previous_text)
    except (ValueError, RecursionError):
        raise InputError("the existing file is not TOML; choose another name", str(path)) from None
    write_atomically(path, text.encode())


def to_toml(experiment: Experiment, previous_text: str = "") -> str:
    """Returns an experiment as TOML, merged into the text of an existing file."""
    import tomlkit

    document = tomlkit.parse(previous_text)
    for key, item in _tuples_to_lists(experiment_to_dict(experiment)).items():
        if key == "task" and list(item) == ["name"] and not isinstance(document.get(key), dict):
            item = item["name"]
        if isinstance(item, dict):
            if not isinstance(document.get(key, {}), dict):  # the short form: only a name
                del document[key]
            _edit_table(document.setdefault(key, tomlkit.table()), item)
        elif key == "network" and isinstance(document.get(key), list):
            _edit_array(document[key], item)
        elif document.get(key) != item:
            document[key] = tomlkit.item(item).multiline(True) if key == "network" else item
    return tomlkit.dumps(document)


def _tuples_to_lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _tuples_to_lists(item) for key, item in value.items()}
    return [_tuples_to_lists(item) for item in value] if isinstance(value, (list, tuple)) else value


def _edit_table(table: Any, item: dict[str, Any]) -> None:
    for key in [key for key in table if key not in item]:
        del table[key]
    for key, value in item.items():
        if table.get(key) != value:
            table[key] = _to_inline(value) if isinstance(value, dict) else value


def _to_inline(item: dict[str, Any]) -> Any:
    """Returns a table as it stands in one line: one of its own would take in the keys below."""
    import tomlkit

    table = tomlkit.inline_table()
    table.update(item)
    return table


def _edit_array(array: Any, lines: list[Any]) -> None:
    """Changes only the lines that differ, so that the others keep their comments."""
    before, after = ([str(line) for line in version] for version in (array.unwrap(), lines))
    changes = difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    for kind, first, last, new_first, new_last in reversed(changes):
        if kind == "equal":
            continue
        new = lines[new_first:new_last]
        shared_count = min(last - first, len(new))
        for offset in range(shared_count):
            array[first + offset] = new[offset]
        for index in reversed(range(first + shared_count, last)):
            del array[index]
        for offset, line in enumerate(new[shared_count:], first + shared_count):
            array.insert(offset, line)
