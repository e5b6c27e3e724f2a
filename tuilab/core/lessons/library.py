"""The lessons there are: shipped ones and a user's own, found by name and read with good errors."""

import re
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from msgspec import structs

from tuilab.core import paths
from tuilab.core.errors import InputError, nearest
from tuilab.core.experiment.experiment import Experiment, from_plain
from tuilab.core.experiment.knobs import convert
from tuilab.core.experiment.toml_file import not_toml, place
from tuilab.core.lessons.lesson import Exercise, Goal, Lesson, Prediction
from tuilab.core.lessons.prose import PLACED, Page, pages
from tuilab.core.lessons.question import AnyQuestion

FILE, PROSE = "lesson.toml", "lesson.md"

LARGEST = 1 << 20
"""Bytes of a lesson's file at most."""

LAST = 1000
"""The place of lessons without a number: after those of the course."""

AnyThing = Goal | Prediction | AnyQuestion | Exercise


@dataclass(frozen=True)
class Book:
    """A lesson with its prose and the folder that it is in."""

    name: str
    "Of its folder, without the number in front."
    number: int
    "The number in front; 0: none."
    folder: Path
    lesson: Lesson
    pages: tuple[Page, ...]

    @cached_property
    def listed(self) -> list[tuple[str, AnyThing]]:
        """Goals, predictions, questions and exercises with their kind, as the file has them."""
        return [(kind, thing) for kind in PLACED for thing in getattr(self.lesson, f"{kind}s")]

    @cached_property
    def things(self) -> dict[tuple[str, str], AnyThing]:
        """The same by kind and name."""
        return {(kind, thing.name): thing for kind, thing in self.listed}


def folders() -> dict[str, Path]:
    """Every lesson's folder by its name, in order; a user's own shadow shipped ones."""
    found: dict[str, Path] = {}
    numbers: dict[str, int] = {}
    for shelf in (paths.presets() / "lessons", paths.data() / "lessons"):
        for file in sorted(shelf.glob(f"*/{FILE}")):
            name = _name(file.parent)
            found[name] = file.parent
            numbers[name] = numbers.get(name) or _number(file.parent) or LAST
    return {name: found[name] for name in sorted(found, key=lambda name: (numbers[name], name))}


def every() -> dict[str, Book | InputError]:
    """Every lesson by its name, in order; of one that cannot be read, why."""
    found: dict[str, Book | InputError] = {}
    for name, folder in folders().items():
        try:
            found[name] = read(folder)
        except InputError as error:
            found[name] = error
    return found


def after(name: str) -> Book | None:
    """The lesson that follows; None after the last, and where it cannot be read."""
    order = list(folders())
    following = order[order.index(name) + 1 :] if name in order else []
    try:
        return read(find(following[0])) if following else None
    except InputError:
        return None


def _name(folder: Path) -> str:
    return re.sub(r"^\d+-", "", folder.name)


def _number(folder: Path) -> int:
    digits = re.match(r"\d+", folder.name)
    return int(digits[0]) if digits else 0


def find(name: str) -> Path:
    """The folder of the lesson that is meant by a name, a number, a folder or a file in it."""
    path = Path(name).expanduser()
    if path.is_file():
        path = path.parent
    if (path / FILE).is_file():
        return path
    known = folders()
    plain = name if name in known else _name(path)
    if plain in known:
        return known[plain]
    for shipped in (paths.presets() / "lessons").glob(f"{name.zfill(2)}-*"):
        if name.isdigit() and _name(shipped) in known:
            return known[_name(shipped)]
    raise InputError(f"there is no lesson of this name; {nearest(name, known)}".rstrip("; "), name)


def read(folder: Path) -> Book:
    """Read a lesson; InputError names the file, the key, and what would be right."""
    file, prose = folder / FILE, folder / PROSE
    text = _text(file)
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise not_toml(error, file) from None
    try:
        lesson = _lesson(tables)
    except InputError as error:
        raise error.within(place(file, text, error)) from None
    try:
        found = pages(_text(prose))
    except InputError as error:
        raise error.within(str(prose)) from None
    return Book(_name(folder), _number(folder), folder, lesson, found)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST:
            raise InputError("it is larger than any lesson", str(path))
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InputError("it is not UTF-8 text", str(path)) from None
    except OSError as error:
        raise InputError(error.strerror or "it cannot be read", str(path)) from None


def _lesson(tables: dict[str, Any]) -> Lesson:
    if "format" in tables and tables["format"] != 1:
        raise InputError("this lesson is of a newer tuilab; it reads format 1", "format")
    start = tables.get("start", {})
    if not isinstance(start, dict):
        raise InputError("it must be a table, as an experiment file has it", "start")
    try:
        experiment: Experiment = from_plain(start)
    except InputError as error:
        where = ".".join(("start", *error.where))
        raise InputError(error.problem, where) from None
    plain: Lesson = convert({**tables, "start": {}}, Lesson, "")
    return structs.replace(plain, start=experiment)
