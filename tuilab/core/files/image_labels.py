"""Tables that say the class of each image: a CSV in a folder of images, or beside it."""

import csv
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tuilab.core.errors import InputError, with_suggestion
from tuilab.core.files import file_state
from tuilab.core.files.file_state import FileState
from tuilab.core.files.natural_order import natural_key
from tuilab.core.files.text_encoding import decode_text
from tuilab.core.format import format_counted

TABLE_SUFFIXES = (".csv", ".tsv", ".txt")

LABEL_NAMES = ("label", "labels", "class", "classes", "class_name", "category", "target", "y",
               "breed", "species", "type", "tag", "diagnosis")  # fmt: skip
"""Names of the column with the classes, in lower case, the likeliest first."""

MIN_MATCHES = 0.5
"""The share of rows that have to name an image, for a table that is found by itself."""

FILE_NAME = re.compile(r"\.[A-Za-z]\w{2,4}$")
"""How a cell ends that names a file, even one that is not there."""

MAX_TABLES = 20

MAX_TABLE_BYTES = 100_000_000


@dataclass(frozen=True, slots=True)
class Labels:
    """The class of each image, from a table."""

    path: Path
    column: str
    classes: tuple[str, ...]
    classes_of: tuple[tuple[Path, int], ...]
    "Each image with its class, in the order of the table."
    missing: int = 0
    "Rows that name no image."
    unlabeled: int = 0
    "Images that no row names."

    def describe(self) -> str:
        """Describes where the classes come from, and what is not used, in a sentence."""
        more = [
            f"{format_counted(count, noun)} {verb}"
            for count, noun, verb in (
                (self.missing, "row", "without an image"),
                (self.unlabeled, "image", "without a row"),
            )
            if count
        ]
        tail = f"; not used: {', '.join(more)}" if more else ""
        return f'The classes are the column "{self.column}" of {self.path.name}{tail}.'


def stat_tables(folder: Path, labels: str) -> tuple[FileState, ...]:
    """Returns the tables that could hold the classes: the one that is named, or all nearby."""
    if labels:
        return (file_state.stat_file(str(_locate(folder, labels)), "a table of labels"),)
    states = []
    for around in (folder, folder.parent):
        names = sorted(n for n in _list_files(around) if n.lower().endswith(TABLE_SUFFIXES))
        for name in names[:MAX_TABLES]:
            stat = (around / name).stat()
            if 0 < stat.st_size < MAX_TABLE_BYTES:
                states.append(FileState(around / name, stat.st_mtime_ns, stat.st_size))
    return tuple(states)


def _list_files(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [e.name for e in entries if e.is_file() and not e.name.startswith(".")]
    except OSError:
        return []


def _locate(folder: Path, labels: str) -> Path:
    """Returns the table that is named: a path, or a name in the folder of images."""
    path = Path(labels).expanduser()
    inside = folder / path.name
    return inside if not path.exists() and inside.exists() else path


def find_labels(
    folder: Path,
    images: Sequence[Path],
    tables: Iterable[FileState],
    labels: str,
    column: str,
) -> Labels | None:
    """Returns the classes of images by a table; None if none of the tables names them.

    Raises:
        InputError: a table that was asked for cannot be used, or does not say which column it is.
    """
    names = _index_names(folder, images)
    best: tuple[float, Path, list[list[str]], int] | None = None
    for table in tables:
        rows = _read_rows(table.path, is_asked_for=bool(labels))
        if len(rows) < 2:
            continue
        index, share = _find_file_column(rows, names)
        if share > (best[0] if best else 0.0):
            best = (share, table.path, rows, index)
    if best is None or best[0] < MIN_MATCHES:
        if not labels:
            return None
        problem = "no column of it holds the names of the images in the folder"
        raise InputError(problem, labels, "data.labels")
    _, path, rows, index = best
    return _build(path, rows, index, names, column)


def _build(
    path: Path, rows: list[list[str]], file_index: int, names: dict[str, Path], column: str
) -> Labels:
    header, body = _split_header(rows, file_index, names)
    label_index = _find_label_column(path, header, file_index, column)
    pairs: dict[Path, str] = {}
    missing = 0
    for row in body:
        image = _find_image(row[file_index], names) if len(row) > file_index else None
        label = row[label_index].strip() if len(row) > label_index else ""
        if image is None or not label:
            missing += 1
        else:
            pairs[image] = label
    classes = tuple(sorted(set(pairs.values()), key=natural_key))
    numbers = {name: number for number, name in enumerate(classes)}
    unlabeled = len(set(names.values()) - set(pairs))
    classes_of = tuple((image, numbers[label]) for image, label in pairs.items())
    return Labels(path, header[label_index], classes, classes_of, missing, unlabeled)


def _split_header(
    rows: list[list[str]], file_index: int, names: dict[str, Path]
) -> tuple[list[str], list[list[str]]]:
    """Returns the names of the columns and the other rows; the first row may be an image."""
    first = rows[0][file_index]
    if _find_image(first, names) is None and not FILE_NAME.search(first.strip()):
        return [cell.strip() for cell in rows[0]], rows[1:]
    return [f"column {number + 1}" for number in range(len(rows[0]))], rows


def _find_label_column(path: Path, header: list[str], file_index: int, column: str) -> int:
    others = [index for index in range(len(header)) if index != file_index]
    if column:
        if column in header:
            return header.index(column)
        problem = with_suggestion(f'there is no column "{column}"', column, header)
        raise InputError(problem, str(path), "data.label_column")
    if len(others) == 1:
        return others[0]
    lowered = [name.lower() for name in header]
    for name in LABEL_NAMES:
        if name in lowered and lowered.index(name) != file_index:
            return lowered.index(name)
    listed = ", ".join(header[index] for index in others[:8])
    problem = (
        f"it has several columns ({listed}); set data.label_column to the one with the classes"
    )
    raise InputError(problem if others else "it has no column with classes", str(path))


def _index_names(folder: Path, images: Sequence[Path]) -> dict[str, Path]:
    """Returns the images by every name that a table can have for them, in lower case."""
    names: dict[str, Path] = {}
    for image in images:
        relative = image.relative_to(folder)
        for name in (
            relative.as_posix(),
            relative.with_suffix("").as_posix(),
            image.name,
            image.stem,
        ):
            names.setdefault(name.lower(), image)
    return names


def _find_image(cell: str, names: dict[str, Path]) -> Path | None:
    """Returns the image that a cell names: a name or a path, with or without its suffix."""
    text = cell.strip().replace("\\", "/").lower()
    return names.get(text) or names.get(text.rpartition("/")[2])


def _find_file_column(rows: list[list[str]], names: dict[str, Path]) -> tuple[int, float]:
    """Returns the column that names images, and the share of the rows in which it does."""
    sample = rows[1:5001]
    shares = [
        sum(index < len(row) and _find_image(row[index], names) is not None for row in sample)
        / len(sample)
        for index in range(len(rows[0]))
    ]
    best = max(range(len(shares)), key=shares.__getitem__)
    return best, shares[best]


def _read_rows(path: Path, *, is_asked_for: bool) -> list[list[str]]:
    """Returns the rows of a table; none of one that is not asked for and cannot be read."""
    try:
        lines = decode_text(path.read_bytes()).splitlines()
        delimiter = max((",", ";", "\t"), key=(lines[0] if lines else "").count)
        return [row for row in csv.reader(lines, delimiter=delimiter, skipinitialspace=True) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        if is_asked_for:
            raise InputError(f"it cannot be read: {error}", str(path)) from None
        return []
