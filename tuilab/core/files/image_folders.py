"""Folders of images: the classes are the names of the folders in it."""

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tuilab.core.errors import InputError
from tuilab.core.files import file_state
from tuilab.core.files.file_state import FileState
from tuilab.core.format import format_count

SPLITS = {
    "train": ("train", "training"),
    "validation": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
"""Names of the folders that hold one split of the data each, in lower case."""

IMAGE_SUFFIXES = frozenset(
    (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
)
"""Suffixes of image files."""

MAX_CLASSES = 1000


@dataclass(frozen=True, slots=True)
class ImageFolderInfo:
    """The folder of each split, which holds one folder for each class."""

    train: Path
    validation: Path | None
    test: Path | None
    classes: tuple[str, ...]


def inspect_folder(path: str) -> ImageFolderInfo:
    """Finds the splits and the classes of a folder; InputError says why it cannot be used."""
    folder = file_state.stat_folder(path, "a folder with one folder of images for each class")
    info = _inspect(folder, _stat_parts(folder.path))
    if isinstance(info, InputError):
        raise InputError(info.problem, *info.where)
    return info


def _stat_parts(path: Path) -> tuple[int, ...]:
    """Returns when each split's folder was changed: a new or removed class changes it."""
    changed = []
    for name in (name for names in SPLITS.values() for name in names):
        try:
            changed.append(os.stat(path / name).st_mtime_ns)
        except OSError:
            changed.append(0)
    return tuple(changed)


@lru_cache(maxsize=8)
def _inspect(folder: FileState, changes: tuple[int, ...]) -> ImageFolderInfo | InputError:
    """Returns the error instead of raising it, so that it is cached as well."""
    try:
        inner = {name.lower(): name for name in list_subfolders(folder.path)}
        splits = {
            split: next((folder.path / inner[name] for name in names if name in inner), None)
            for split, names in SPLITS.items()
        }
        is_split = splits["train"] is not None and bool(list_subfolders(splits["train"]))
        train = splits["train"] if splits["train"] and is_split else folder.path
        others = (splits["validation"], splits["test"]) if is_split else (None, None)
        classes = tuple(list_subfolders(train))
        _check(train, classes)
    except InputError as error:
        return error
    return ImageFolderInfo(train, *others, classes)


def _check(train: Path, classes: tuple[str, ...]) -> None:
    problem = ""
    if not classes:
        problem = "it has no folders in it; each class needs a folder with its images"
    elif len(classes) == 1:
        problem = f"it has only one folder, {classes[0]}; at least two classes are needed"
    elif len(classes) > MAX_CLASSES:
        count, limit = format_count(len(classes)), format_count(MAX_CLASSES)
        problem = f"it has {count} folders; at most {limit} classes are possible"
    if problem:
        raise InputError(problem, str(train))


def folder_state(path: str) -> object:
    """Returns a value that changes when an image is added or removed."""
    info = inspect_folder(path)
    splits = [split for split in (info.train, info.validation, info.test) if split is not None]
    folders = [folder for split in splits for folder, *_ in os.walk(split)]
    return tuple((folder, os.stat(folder).st_mtime_ns) for folder in folders)


def list_subfolders(path: Path) -> list[str]:
    """Returns the names of the folders in a folder in order, without hidden ones."""
    try:
        with os.scandir(path) as entries:
            names = [
                entry.name for entry in entries if entry.is_dir() and entry.name[0] not in "._"
            ]
    except OSError as error:
        raise InputError(f"it cannot be read: {error.strerror}", str(path)) from None
    return sorted(names)


def list_images(folder: Path) -> list[Path]:
    """Returns the images of a class in order, also those in inner folders."""
    images = []
    for inner, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name[0] not in "._")
        images += [
            Path(inner, name)
            for name in sorted(names)
            if os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES and name[0] != "."
        ]
    return images
