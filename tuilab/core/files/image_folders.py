"""A folder of pictures, looked at from outside: its classes are the folders in it."""

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tuilab.core.errors import InputError
from tuilab.core.files import file_state
from tuilab.core.files.file_state import Found

SPLITS = {
    "train": ("train", "training"),
    "validation": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
"""Names, in small letters, of folders that hold the classes of one part each."""

SUFFIXES = frozenset(
    (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
)
"""Ends of the names of pictures."""

MOST_CLASSES = 1000


@dataclass(frozen=True, slots=True)
class Look:
    """Where the pictures of each part are, a folder for each class in it."""

    train: Path
    validation: Path | None
    test: Path | None
    classes: tuple[str, ...]


def look(path: str) -> Look:
    """Look at a folder; InputError says why it cannot be used."""
    here = file_state.folder(path, "a folder with one folder of pictures for each class")
    seen = _look(here, _stamp(here.path))
    if isinstance(seen, InputError):
        raise InputError(seen.problem, *seen.where)
    return seen


def _stamp(path: Path) -> tuple[int, ...]:
    """When each part's folder was changed: a class more or less changes it."""
    changed = []
    for name in (name for names in SPLITS.values() for name in names):
        try:
            changed.append(os.stat(path / name).st_mtime_ns)
        except OSError:
            changed.append(0)
    return tuple(changed)


@lru_cache(maxsize=8)
def _look(here: Found, stamp: tuple[int, ...]) -> Look | InputError:
    try:
        inner = {name.lower(): name for name in names(here.path)}
        parts = {
            part: next((here.path / inner[name] for name in names if name in inner), None)
            for part, names in SPLITS.items()
        }
        is_split = parts["train"] is not None and bool(names(parts["train"]))
        train = parts["train"] if parts["train"] and is_split else here.path
        others = (parts["validation"], parts["test"]) if is_split else (None, None)
        classes = tuple(names(train))
        _check(train, classes)
    except InputError as error:
        return error
    return Look(train, *others, classes)


def _check(train: Path, classes: tuple[str, ...]) -> None:
    problem = ""
    if not classes:
        problem = "it has no folders in it; each class needs a folder of its pictures"
    elif len(classes) == 1:
        problem = f"it has one folder only, {classes[0]}; two classes or more can be told apart"
    elif len(classes) > MOST_CLASSES:
        problem = f"it has {len(classes):,} folders; at most {MOST_CLASSES:,} classes are possible"
    if problem:
        raise InputError(problem, str(train))


def state(path: str) -> object:
    """Another one when a picture comes or goes; InputError where there is no folder."""
    seen = look(path)
    parts = [part for part in (seen.train, seen.validation, seen.test) if part is not None]
    inner = [folder for part in parts for folder, *_ in os.walk(part)]
    return tuple((folder, os.stat(folder).st_mtime_ns) for folder in inner)


def names(path: Path) -> list[str]:
    """The names of the folders in a folder, in order; hidden ones are not looked at."""
    try:
        with os.scandir(path) as entries:
            names = [
                entry.name for entry in entries if entry.is_dir() and entry.name[0] not in "._"
            ]
    except OSError as error:
        raise InputError(f"it cannot be read: {error.strerror}", str(path)) from None
    return sorted(names)


def pictures(folder: Path) -> list[Path]:
    """The pictures of a class, also from folders within, in order."""
    found_here = []
    for inner, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name[0] not in "._")
        found_here += [
            Path(inner, name)
            for name in sorted(names)
            if os.path.splitext(name)[1].lower() in SUFFIXES and name[0] != "."
        ]
    return found_here
