"""Folders of images: the classes are the names of the folders in it, or in a table of labels."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

from tuilab.core import paths
from tuilab.core.errors import InputError
from tuilab.core.files import file_state, image_labels
from tuilab.core.files.file_state import FileState
from tuilab.core.files.image_parts import PARTS, find_part
from tuilab.core.files.natural_order import natural_key
from tuilab.core.format import format_count, format_counted

IMAGE_SUFFIXES = frozenset(
    (".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".bmp", ".dib", ".gif", ".webp",
     ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm")
)  # fmt: skip
"""Suffixes of image files that can always be read."""

HEIC_SUFFIXES = frozenset((".heic", ".heif", ".hif"))
"""Suffixes of image files that need pillow-heif."""

OTHER_IMAGES = HEIC_SUFFIXES | frozenset(
    (".avif", ".jxl", ".jp2", ".svg", ".psd", ".ico", ".tga", ".raw", ".cr2", ".cr3", ".nef",
     ".arw", ".dng", ".orf", ".eps")
)  # fmt: skip
"""Suffixes of image files that need another package or a conversion."""

LABEL_SUFFIXES = frozenset({".csv", ".tsv"})

SYSTEM_FILES = frozenset({"thumbs.db", "desktop.ini", ".ds_store", ".localized"})

MAX_CLASSES = 1000

MAX_LISTED_SUFFIXES = 4

MAX_DEPTH = 3

MAX_SEARCHED = 2000
"""Files among which an image is searched for, to know whether a folder holds any."""


@dataclass(frozen=True, slots=True)
class ImageFolderInfo:
    """The folder of each split, which holds one folder for each class; or a table of labels."""

    train: Path
    validation: Path | None
    test: Path | None
    classes: tuple[str, ...]
    root: Path = Path()
    "The folder around the parts; the same as `train` where there are none."
    labels: image_labels.Labels | None = None
    "The class of each image, where a table says it."


@dataclass(slots=True)
class UnusedFiles:
    """Files that are not used, counted by reason."""

    suffixes: Counter[str] = field(default_factory=Counter)
    "Files that are no images, and images that cannot be read, by suffix."
    folders: Counter[str] = field(default_factory=Counter)
    "Images by the reason why their folder is not used."
    system: int = 0
    tables: list[str] = field(default_factory=list)
    "Tables beside the folders of the classes."

    def add_file(self, name: str) -> None:
        """Counts a file that is not an image, or not one that can be read."""
        if name.lower() in SYSTEM_FILES or name.startswith("."):
            self.system += 1
        else:
            self.suffixes[os.path.splitext(name)[1].lower() or "no suffix"] += 1

    def describe(self) -> tuple[str, ...]:
        """Returns a sentence for each reason."""
        images = {s: n for s, n in self.suffixes.items() if s in OTHER_IMAGES}
        others = Counter({s: n for s, n in self.suffixes.items() if s not in OTHER_IMAGES})
        sentences = [_describe_unreadable(suffix, count) for suffix, count in images.items()]
        if others:
            listed = ", ".join(f"{s} {n}" for s, n in others.most_common(MAX_LISTED_SUFFIXES))
            more = ", …" if len(others) > MAX_LISTED_SUFFIXES else ""
            count = format_counted(others.total(), "file")
            sentences.append(f"{count} not used, as they are not images ({listed}{more}).")
        sentences += [
            f"{format_counted(count, 'image')} {reason}." for reason, count in self.folders.items()
        ]
        if self.tables:
            tables = ", ".join(self.tables[:MAX_LISTED_SUFFIXES])
            sentences.append(
                f"The folders are the classes; {tables} not used (data.labels can name a table)."
            )
        if self.system:
            sentences.append(f"{format_counted(self.system, 'hidden file')} not used.")
        return tuple(sentences)


def _describe_unreadable(suffix: str, count: int) -> str:
    install = ", or uv pip install 'tuilab[heic]'" if suffix in HEIC_SUFFIXES else ""
    what = format_counted(count, f"{suffix} image")
    return f"{what} left out: this format cannot be read; convert to JPEG or PNG{install}."


@cache
def readable_suffixes() -> frozenset[str]:
    """Returns the suffixes of images that can be read with the packages that are installed."""
    heic = HEIC_SUFFIXES if find_spec("pillow_heif") else ()
    return IMAGE_SUFFIXES | {*heic, *((".avif",) if find_spec("PIL._avif") else ())}


def inspect_folder(
    path: str, labels: str = "", label_column: str = "", split_by: str = ""
) -> ImageFolderInfo:
    """Finds the splits and the classes of a folder; InputError says why it cannot be used.

    Args:
        labels: a table with the class of each image; empty: one is searched for where the folder
            holds no folders of classes.
        label_column: its column with the classes.
        split_by: its column whose groups stay together, or with the time.
    """
    folder = file_state.stat_folder(path, "a folder with one folder of images for each class")
    root = _descend(folder.path)
    info = _inspect(
        folder,
        root,
        labels,
        label_column,
        split_by,
        _stat_folders(root),
        image_labels.stat_tables(root, labels),
    )
    if isinstance(info, InputError):
        raise InputError(info.problem, *info.where)
    return info


def _descend(folder: Path) -> Path:
    """Returns the folder with the classes or parts: archives often have a folder around them."""
    for _ in range(3):
        inner = list_subfolders(folder)
        if len(inner) != 1 or _has_images(folder):
            break
        only = folder / inner[0]
        if not list_subfolders(only) or _has_images(only):
            break
        folder = only
    return folder


def _stat_folders(path: Path) -> tuple[tuple[str, int], ...]:
    """Returns when each folder in a folder was changed: a new or removed class changes it."""
    changed = []
    for name in list_subfolders(path):
        try:
            changed.append((name, os.stat(path / name).st_mtime_ns))
        except OSError:
            changed.append((name, 0))
    return tuple(changed)


@lru_cache(maxsize=8)
def _inspect(
    folder: FileState,
    root: Path,
    labels: str,
    label_column: str,
    split_by: str,
    changes: tuple[tuple[str, int], ...],
    tables: tuple[FileState, ...],
) -> ImageFolderInfo | InputError:
    """Returns the error instead of raising it, so that it is cached as well."""
    try:
        if labels or not _has_classes(root):
            images = list(_walk(root, UnusedFiles()))
            options = image_labels.LabelOptions(labels, label_column, split_by)
            table = image_labels.find_labels(root, images, tables, options)
            if table is not None:
                _check(table.path, table.classes, "class")
                return ImageFolderInfo(root, None, None, table.classes, root, table)
        parts = find_parts(root)
        train = parts.get("train", root)
        _refuse_bare_parts(train)
        classes = tuple(list_subfolders(train))
        _check(train, classes, "folder")
    except InputError as error:
        return error
    return ImageFolderInfo(train, parts.get("validation"), parts.get("test"), classes, root)


def holds_images(path: Path) -> bool:
    """Returns whether a folder looks like images in classes, or with a table of labels."""
    if path.resolve() in (Path("/"), paths.expand_user("~")):
        return False
    try:
        root = _descend(path)
        return _has_classes(root) or _has_any_image(root)
    except InputError:
        return False


def _has_classes(root: Path) -> bool:
    """Returns whether a folder holds two folders with images, or a part that does."""
    train = find_parts(root).get("train", root)
    names = list_subfolders(train)
    if train == root and "train" in map(find_part, names):
        names = [name for name in names if not find_part(name)]  # parts without folders of classes
    with_images = (name for name in names if _has_any_image(train / name))
    return next(with_images, None) is not None and next(with_images, None) is not None


def find_parts(root: Path) -> dict[str, Path]:
    """Returns the folders of the parts by `train`, `validation`, `test`; none without training."""
    parts: dict[str, Path] = {}
    names = list_subfolders(root)
    for part in PARTS:
        matches = [name for name in names if find_part(name) == part]
        exact = [name for name in matches if name.lower() in PARTS[part]]
        matches = exact or matches
        if len(matches) == 1 or exact:
            parts[part] = root / matches[0]
    if "train" not in parts or not list_subfolders(parts["train"]):
        return {}
    return {part: path for part, path in parts.items() if list_subfolders(path)}


def _refuse_bare_parts(root: Path) -> None:
    """Raises InputError if the folders in a folder are parts of the data and no classes."""
    names = list_subfolders(root)
    part_names = [name for name in names if find_part(name)]
    if len(part_names) == len(names) and "train" in map(find_part, part_names):
        raise InputError(
            f"{' and '.join(part_names)} hold no folders of classes; a table can say the class of "
            "each image (data.labels)",
            str(root),
        )


def _check(path: Path, classes: tuple[str, ...], noun: str) -> None:
    problem = ""
    if not classes:
        problem = (
            "it has no folders in it; each class needs a folder with its images, or a table beside "
            "it says the class of each image (data.labels)"
        )
    elif len(classes) == 1:
        problem = f"it has only one {noun}, {classes[0]}; at least two classes are needed"
    elif len(classes) > MAX_CLASSES:
        count, limit = format_count(len(classes)), format_count(MAX_CLASSES)
        problem = f"it has {count} {noun}s; at most {limit} classes are possible"
    if problem:
        raise InputError(problem, str(path))


def folder_state(info: ImageFolderInfo) -> object:
    """Returns a value that changes when an image is added, removed or replaced."""
    states = []
    for folder, _, names in os.walk(info.root):
        for name in names:
            try:
                stat = os.stat(os.path.join(folder, name))
            except OSError:  # a link that leads nowhere
                continue
            states.append((folder, name, stat.st_mtime_ns, stat.st_size))
    return (hash(tuple(sorted(states))), info.labels)


def list_subfolders(path: Path) -> list[str]:
    """Returns the names of the folders in a folder in natural order, without hidden ones."""
    return [name for name in _list_folders(path) if name[0] not in "._"]


def _list_folders(path: Path) -> list[str]:
    try:
        with os.scandir(path) as entries:
            names = [entry.name for entry in entries if entry.is_dir()]
    except OSError as error:
        raise InputError(f"it cannot be read: {error.strerror}", str(path)) from None
    return sorted(names, key=natural_key)


def list_images(folder: Path, unused: UnusedFiles) -> list[Path]:
    """Returns the images of a class in order, also those in inner folders."""
    return list(_walk(folder, unused))


def count_images(path: str) -> int:
    """Returns the number of images to train and validate on."""
    info = inspect_folder(path)
    if info.labels is not None:
        return sum(
            part in ("", "train") for part in info.labels.parts or ("",) * len(info.labels.images)
        )
    return sum(len(list_images(info.train / name, UnusedFiles())) for name in info.classes)


def find_unused(info: ImageFolderInfo, unused: UnusedFiles) -> None:
    """Counts what is beside the folders of the classes, and in folders that are not used."""
    if info.labels is not None:
        return
    parts = {path for path in (info.train, info.validation, info.test) if path is not None}
    for folder in {info.root, *parts}:
        for entry in sorted(os.scandir(folder), key=lambda entry: natural_key(entry.name)):
            path = Path(entry.path)
            if entry.is_dir():
                if path in parts or (folder in parts and entry.name[0] not in "._"):
                    continue
                reason = f"in {entry.name} not used: its name begins with {entry.name[0]}"
                if entry.name[0] not in "._":
                    reason = f"in {entry.name} not used: it is not a part (train, validation, test)"
                    if find_part(entry.name):
                        reason = f"in {entry.name} not used: it has no folders of classes"
                inside = UnusedFiles()
                unused.folders[reason] += sum(1 for _ in _walk(path, inside))
            elif path.suffix.lower() in LABEL_SUFFIXES:
                unused.tables.append(entry.name)
            elif _is_image(entry.name):
                unused.folders["beside the folders of the classes not used"] += 1
            else:
                unused.add_file(entry.name)
    unused.folders = Counter({reason: count for reason, count in unused.folders.items() if count})


def _walk(folder: Path, unused: UnusedFiles) -> Iterator[Path]:
    """Yields the images in a folder and in its inner folders, in order."""
    for inner, folders, names in os.walk(folder):
        for name in folders:
            if name[0] in "._":
                count = sum(
                    _is_image(file) for *_, files in os.walk(Path(inner, name)) for file in files
                )
                if count:
                    reason = f"in {name} not used: its name begins with {name[0]}"
                    unused.folders[reason] += count
        folders[:] = sorted(name for name in folders if name[0] not in "._")
        for name in sorted(names):
            if _is_image(name):
                yield Path(inner, name)
            else:
                unused.add_file(name)


def _is_image(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in readable_suffixes() and name[0] != "."


def _has_images(folder: Path) -> bool:
    """Returns whether a folder itself holds an image."""
    try:
        with os.scandir(folder) as entries:
            return any(entry.is_file() and _is_image(entry.name) for entry in entries)
    except OSError:
        return False


def _has_any_image(folder: Path) -> bool:
    """Returns whether an image is among the first files in a folder and in its inner folders."""
    names = (name for name in _walk_names(folder, MAX_DEPTH))
    return any(_is_image(name) for name in islice(names, MAX_SEARCHED))


def _walk_names(folder: Path, depth: int) -> Iterator[str]:
    """Yields the names in a folder and in its inner folders."""
    for inner, folders, names in os.walk(folder):
        if len(Path(inner).relative_to(folder).parts) >= depth:
            folders.clear()
        yield from (*names, "")
