"""Experiment files: finding them by name, reading them with good errors, writing them safely."""

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuilab.lab import places
from tuilab.lab.errors import InputError, nearest
from tuilab.lab.experiment import SECTIONS, Experiment, from_plain, to_plain


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
    for folder in (places.presets() / "experiments", places.experiments()):
        for path in sorted(folder.glob("*.toml")):
            found[path.stem] = _preset(path)
    return found


def _preset(path: Path) -> Preset:
    about: list[str] = []
    title = path.stem
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("title"):
            title = line.partition("=")[2].strip().strip('"')
        elif line.startswith("#") and line.strip("# ") and len(about) < 6:
            about.append(line.strip("# "))
        elif about and title != path.stem:
            break
    return Preset(path.stem, path, title, " ".join(about))


def find(name: str) -> Path:
    """The file that a person means by a preset's name or a path."""
    path = Path(name).expanduser()
    if path.is_file():
        return path
    known = presets()
    if name in known:
        return known[name].path
    if path.suffix or os.sep in name:
        raise InputError("there is no such file", name)
    raise InputError(f"there is no preset or file of this name; {nearest(name, known)}", name)


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
        raise InputError(f"this is not TOML: {error}", str(path)) from None
    try:
        return from_plain(tables)
    except InputError as error:
        line = _line_of(text, error.where[-1] if error.where else "")
        raise error.within(f"{path}:{line}" if line else str(path)) from None


def _line_of(text: str, key: str) -> int:
    """The line where a key such as `optimizer.lr` stands; 0 if it is not to be found."""
    section, _, field = key.partition(".")
    inside = not field
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped.startswith("["):
            inside = stripped.strip("[]") == section if field else inside
            if not field and stripped.strip("[]") == section:
                return number
        elif inside and stripped.partition("=")[0].strip() == (field or section.partition("[")[0]):
            return number
    return 0


def value(text: str) -> Any:
    """A value as TOML has it; what is not TOML is text, so that quotes can be left out."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def write(path: Path, experiment: Experiment) -> None:
    """Write an experiment; comments and order of a file that is there already are kept."""
    import tomlkit

    plain = to_plain(experiment)
    document = tomlkit.parse(path.read_text(encoding="utf-8")) if path.exists() else tomlkit.document()
    for key, item in plain.items():
        if key in SECTIONS:
            table = document.setdefault(key, tomlkit.table())
            _update(table, item)
        elif document.get(key) != item:
            document[key] = _network(item) if key == "network" else item
    write_atomically(path, tomlkit.dumps(document).encode())


def _update(table: Any, item: dict[str, Any]) -> None:
    for key in [key for key in table if key not in item]:
        del table[key]
    for key, value in item.items():
        if table.get(key) != value:
            table[key] = value


def _network(lines: Any) -> Any:
    import tomlkit

    array = tomlkit.array()
    array.extend(lines)
    return array.multiline(True)


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
