"""All lessons, shipped ones and the user's own: found by name, and read with helpful errors."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from pathlib import Path
from typing import Any

from msgspec import structs

from tuilab.core import paths
from tuilab.core.errors import InputError, with_suggestion
from tuilab.core.experiment.experiment import Experiment, experiment_from_dict
from tuilab.core.experiment.knobs import convert
from tuilab.core.experiment.toml_file import locate, parse_toml, read_text
from tuilab.core.format import format_count
from tuilab.core.lessons.lesson import Exercise, Goal, Lesson, Prediction
from tuilab.core.lessons.prose import ACTIVITY_KINDS, Page, parse_pages
from tuilab.core.lessons.question import AnyQuestion, Fault, Number, Shapes

FILE, PROSE = "lesson.toml", "lesson.md"

MAX_FILE_BYTES = 1 << 20
"""Bytes of a lesson's file at most."""

MAX_INTEGER = 2**63
"""Integers of a lesson are smaller, as TOML's are."""

MAX_STEPS = 1_000_000
"""Steps between the lowest and the highest number of a question."""

MIN_CURVE_RANGE = 1e-12
"""A curve is drawn in a range above this and below its inverse."""

UNNUMBERED = 1000
"""The number of lessons without one: after those of the course."""

AnyActivity = Goal | Prediction | AnyQuestion | Exercise


@dataclass(frozen=True)
class LoadedLesson:
    """A lesson with its prose and its folder."""

    name: str
    "Of its folder, without the number in front."
    number: int
    "The number in front; 0: none."
    folder: Path
    lesson: Lesson
    pages: tuple[Page, ...]

    @cached_property
    def activities(self) -> dict[tuple[str, str], AnyActivity]:
        """Goals, predictions, questions and exercises by kind and name."""
        return {
            (kind, activity.name): activity
            for kind in ACTIVITY_KINDS
            for activity in getattr(self.lesson, f"{kind}s")
        }


def list_folders() -> dict[str, Path]:
    """Returns every lesson's folder by its name, in order; the user's own replace shipped ones."""
    folders: dict[str, Path] = {}
    numbers: dict[str, int] = {}
    for parent in (paths.presets_dir() / "lessons", paths.data_dir() / "lessons"):
        for file in sorted(parent.glob(f"*/{FILE}")):
            name = _parse_name(file.parent)
            folders[name] = file.parent
            numbers[name] = numbers.get(name) or _parse_number(file.parent) or UNNUMBERED
    return {name: folders[name] for name in sorted(folders, key=lambda name: (numbers[name], name))}


def load_all() -> dict[str, LoadedLesson | InputError]:
    """Reads every lesson by its name, in order; the error of one that cannot be read."""
    lessons: dict[str, LoadedLesson | InputError] = {}
    for name, folder in list_folders().items():
        try:
            lessons[name] = read_lesson(folder)
        except InputError as error:
            lessons[name] = error
    return lessons


def load_next(name: str) -> LoadedLesson | None:
    """Reads the lesson that follows; None after the last, and where it cannot be read."""
    order = list(list_folders())
    following = order[order.index(name) + 1 :] if name in order else []
    try:
        return read_lesson(find_folder(following[0])) if following else None
    except InputError:
        return None


def _parse_name(folder: Path) -> str:
    return re.sub(r"^\d+-", "", folder.name)


def _parse_number(folder: Path) -> int:
    digits = re.match(r"[0-9]{1,9}", folder.name)
    return int(digits[0]) if digits else 0


def find_folder(name: str) -> Path:
    """Returns a lesson's folder by a name, a number, a folder or a file in it."""
    path = paths.expand_user(name)
    if path.is_file():
        path = path.parent
    if (path / FILE).is_file():
        return path
    folders = list_folders()
    plain_name = name if name in folders else _parse_name(path)
    if plain_name in folders:
        return folders[plain_name]
    if name.isascii() and name.isdigit():
        for shipped in (paths.presets_dir() / "lessons").glob(f"{name.zfill(2)}-*"):
            if _parse_name(shipped) in folders:
                return folders[_parse_name(shipped)]
    raise InputError(
        with_suggestion(
            "there is no lesson of this name (`tuilab lessons` lists all)", name, folders
        ),
        name,
    )


def read_lesson(folder: Path) -> LoadedLesson:
    """Reads a lesson; an InputError names the file, the key, and what would be right."""
    file, prose = folder / FILE, folder / PROSE
    text = _read_text(file)
    tables = parse_toml(text, file)
    try:
        lesson = _parse_lesson(tables)
    except InputError as error:
        raise error.within(locate(file, text, error)) from None
    prose_text = _read_text(prose)
    try:
        pages = parse_pages(prose_text)
    except InputError as error:
        raise error.within(str(prose)) from None
    return LoadedLesson(_parse_name(folder), _parse_number(folder), folder, lesson, pages)


def _read_text(path: Path) -> str:
    if os.path.exists(path) and path.stat().st_size > MAX_FILE_BYTES:
        raise InputError("it is larger than any lesson", str(path))
    return read_text(path)


def _parse_lesson(tables: dict[str, Any]) -> Lesson:
    for key, problem in _find_impossible_numbers(tables):
        raise InputError(problem, key)
    if "format" in tables and tables["format"] != 1:
        raise InputError("this lesson needs a newer tuilab; this one reads format 1", "format")
    start = tables.get("start", {})
    if not isinstance(start, dict):
        raise InputError("it must be a table, as an experiment file has it", "start")
    try:
        experiment: Experiment = experiment_from_dict(start)
    except InputError as error:
        where = ".".join(("start", *error.where))
        raise InputError(error.problem, where) from None
    plain: Lesson = convert({**tables, "start": {}}, Lesson, "")
    for key, problem in _find_impossible_ranges(plain):
        raise InputError(problem, key)
    return structs.replace(plain, start=experiment)


def _find_impossible_numbers(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Yields the numbers of a file with which nothing can be computed, with their keys."""
    if isinstance(value, float) and not isfinite(value):
        yield key, f"expected a number, got {value}"
    elif isinstance(value, int) and abs(value) >= MAX_INTEGER:
        yield key, "this number is too large"
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _find_impossible_numbers(item, f"{key}.{name}".lstrip("."))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _find_impossible_numbers(item, f"{key}[{index}]")


def _find_impossible_ranges(lesson: Lesson) -> Iterator[tuple[str, str]]:
    """Yields the ranges and shapes with which nothing can be asked, with their keys."""
    for index, question in enumerate(lesson.questions):
        numbers = question.numbers if isinstance(question, Number) else {}
        for name, allowed in numbers.items():
            key = f"questions[{index}].numbers.{name}"
            if allowed.step <= 0 or allowed.high < allowed.low:
                yield key, "it must go from low to high in steps above 0"
            elif (allowed.high - allowed.low) / allowed.step > MAX_STEPS:
                yield key, f"it has more than {format_count(MAX_STEPS)} steps from low to high"
        if isinstance(question, (Fault, Shapes)) and min(question.shape, default=0) < 1:
            yield f"questions[{index}].shape", "it needs at least one size, and all of them above 0"
        if isinstance(question, (Fault, Shapes)) and not question.network:
            yield f"questions[{index}].network", "it needs at least one line"
    for index, prediction in enumerate(lesson.predictions):
        size = prediction.high - prediction.low
        if prediction.curve and not MIN_CURVE_RANGE < size < 1 / MIN_CURVE_RANGE:
            key = f"predictions[{index}]"
            yield key, "low, high: the curve is drawn between them; high must be above low"
