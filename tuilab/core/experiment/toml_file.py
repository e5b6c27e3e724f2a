"""Experiment files: finding them by name, reading them with good errors, writing them safely."""

import difflib
import itertools
import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuilab.core import paths
from tuilab.core.errors import InputError, nearest
from tuilab.core.experiment import validation as reasons
from tuilab.core.experiment.experiment import Experiment, from_plain, to_plain
from tuilab.core.experiment.toml_lines import line_of


@dataclass(frozen=True, slots=True)
class Preset:
    """An experiment that can be opened by name."""

    name: str
    path: Path
    title: str
    about: str
    "The first paragraph of the comments at its top."


def presets() -> dict[str, Preset]:
    """Shipped experiments and the user's own; the user's shadow shipped ones."""
    found: dict[str, Preset] = {}
    for folder in (paths.presets() / "experiments", paths.experiments()):
        for path in sorted(folder.glob("*.toml")):
            found[path.stem] = _preset(path)
    return found


def _preset(path: Path) -> Preset:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        return Preset(path.stem, path, path.stem, f"It cannot be read: {error.strerror}.")
    comments = itertools.takewhile(lambda line: line.strip("# "), text.splitlines())
    about = " ".join(line.strip("# ") for line in comments if line.startswith("#"))
    title = re.search(r'^title\s*=\s*"([^"\n]+)"', text, re.MULTILINE)
    return Preset(path.stem, path, title[1] if title else path.stem, about)


def find(name: str) -> Path:
    """The file that a person means by a preset's name or a path."""
    path = Path(os.path.expanduser(name))
    if path.is_file():
        return path
    if path.is_dir() and (path.suffix or os.sep in name):
        raise InputError("this is a folder; an experiment is a .toml file", name)
    known = presets()
    if name in known:
        return known[name].path
    if path.stem in known and os.sep not in name:
        raise InputError(f"there is no such file; the preset is called {path.stem}", name)
    if path.suffix or os.sep in name:
        raise InputError("there is no such file", name)
    problem = f"there is no preset or file of this name; {nearest(name, known)}".rstrip("; ")
    raise InputError(problem, name)


def read(path: Path) -> Experiment:
    """Read an experiment; InputError names the file, the line or key, and what would be right."""
    try:
        text = path.read_text(encoding="utf-8")
        tables = tomllib.loads(text)
    except OSError as error:
        raise InputError(error.strerror or "it cannot be read", str(path)) from None
    except UnicodeDecodeError:
        raise InputError("it is not UTF-8 text", str(path)) from None
    except tomllib.TOMLDecodeError as error:
        raise not_toml(error, path) from None
    except (ValueError, RecursionError):
        raise InputError(
            "this is not an experiment: a number or a list in it is too large", str(path)
        ) from None
    try:
        return from_plain(tables)
    except InputError as error:
        raise error.within(place(path, text, error)) from None


def not_toml(error: tomllib.TOMLDecodeError, path: Path) -> InputError:
    """The parser's complaint with the line in front, as editors understand it."""
    problem, _, position = str(error).rpartition(" (at ")
    line = re.match(r"line (\d+)", position)
    where = f"{path}:{line[1]}" if line else str(path)
    return InputError(f"this is not TOML: {problem or position}", where)


def place(path: Path, text: str, error: InputError) -> str:
    """The file, with the line where it gives one, that an error about its text points to."""
    key = error.where[-1] if error.where else ""
    wrong = re.match(r'there is no key "([^"]+)"', error.problem)
    line = wrong and line_of(text, f"{key}.{wrong[1]}".lstrip("."))
    line = line or line_of(text, key)
    return f"{path}:{line}" if line else str(path)


def problems(path: Path) -> list[str]:
    """Everything that keeps the experiment of a file from being started, each with its place."""
    experiment = read(path)
    text = path.read_text(encoding="utf-8")
    found = []
    for problem in reasons.problems(experiment):
        key, _, sentence = problem.partition(": ")
        error = InputError(sentence, key)
        found.append(str(error.within(place(path, text, error))))
    return found


def value(text: str) -> Any:
    """A value as TOML has it; what is not TOML is text, so that quotes can be left out."""
    try:
        tables = tomllib.loads(f"value = {text}")
    except ValueError:
        return text
    return tables["value"] if len(tables) == 1 else text


def write(path: Path, experiment: Experiment) -> None:
    """Write an experiment; comments and order of a file that is there already are kept."""
    try:
        written = path.read_text(encoding="utf-8") if path.exists() else ""
        text = to_toml(experiment, written)
    except ValueError:
        raise InputError("the file there is not TOML; save under another name", str(path)) from None
    write_atomically(path, text.encode())


def to_toml(experiment: Experiment, written: str = "") -> str:
    """An experiment as its file has it, put into what is written there already."""
    import tomlkit

    document = tomlkit.parse(written)
    for key, item in _listed(to_plain(experiment)).items():
        if key == "task" and list(item) == ["name"] and not isinstance(document.get(key), dict):
            item = item["name"]
        if isinstance(item, dict):
            if not isinstance(document.get(key, {}), dict):  # the short form, only a name
                del document[key]
            _update(document.setdefault(key, tomlkit.table()), item)
        elif key == "network" and isinstance(document.get(key), list):
            _edit(document[key], item)
        elif document.get(key) != item:
            document[key] = tomlkit.item(item).multiline(True) if key == "network" else item
    return tomlkit.dumps(document)


def _listed(value: Any) -> Any:
    """The same with lists for tuples, as TOML reads them."""
    if isinstance(value, dict):
        return {key: _listed(item) for key, item in value.items()}
    return [_listed(item) for item in value] if isinstance(value, (list, tuple)) else value


def _update(table: Any, item: dict[str, Any]) -> None:
    for key in [key for key in table if key not in item]:
        del table[key]
    for key, value in item.items():
        if table.get(key) != value:
            table[key] = value


def _edit(array: Any, lines: list[Any]) -> None:
    """Change only the lines that differ, so that the others keep their comments."""
    before, after = ([str(line) for line in version] for version in (array.unwrap(), lines))
    changes = difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    for kind, first, last, new_first, new_last in reversed(changes):
        if kind == "equal":
            continue
        new = lines[new_first:new_last]
        kept = min(last - first, len(new))
        for offset in range(kept):
            array[first + offset] = new[offset]
        for index in reversed(range(first + kept, last)):
            del array[index]
        for offset, line in enumerate(new[kept:], first + kept):
            array.insert(offset, line)


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: a full disk leaves the old one as it was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
