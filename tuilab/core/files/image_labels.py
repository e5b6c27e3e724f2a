"""Tables that say the class of each image: a CSV in a folder of images, or beside it."""

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tuilab.core.errors import InputError, with_suggestion
from tuilab.core.files import file_state
from tuilab.core.files.file_state import FileState
from tuilab.core.files.image_parts import find_part
from tuilab.core.files.natural_order import natural_key
from tuilab.core.files.tables import delimited
from tuilab.core.files.tables.header import Row
from tuilab.core.files.tables.read_options import ReadOptions
from tuilab.core.files.tables.text_source import find_encoding
from tuilab.core.format import format_counted

TABLE_SUFFIXES = (".csv", ".tsv", ".txt")

LABEL_NAMES = ("label", "labels", "class", "classes", "class_name", "category", "target", "y",
               "breed", "species", "type", "tag", "diagnosis")  # fmt: skip
"""Names of the column with the classes, in lower case, the likeliest first."""

MIN_MATCHES = 0.5
"""The share of rows that have to name an image, for a table that is found by itself."""

MIN_NUMBERED = 0.9
"""The same for a table beside the folder that only has numbers: of the rows, and of the images."""

FILE_NAME = re.compile(r"\.[A-Za-z]\w{2,4}$")
"""How a cell ends that names a file, even one that is not there."""

MAX_TABLES = 20

MAX_TABLE_BYTES = 100_000_000


@dataclass(frozen=True, slots=True)
class LabelOptions:
    """What a user says about the table; "" is found."""

    table: str = ""
    column: str = ""
    "With the classes."
    split_by: str = ""
    "Whose groups stay together, or with the time."


@dataclass(frozen=True, slots=True)
class Labels:
    """The class of each image, from a table."""

    path: Path
    column: str
    classes: tuple[str, ...]
    images: tuple[Path, ...]
    "In the order of the table."
    numbers: tuple[int, ...]
    "The class of each image."
    lines: tuple[int, ...]
    "Of the table."
    part_column: str = ""
    "The column that says in which part of the data each image is."
    parts: tuple[str, ...] = ()
    "For each image `train`, `validation` or `test`, where a column says it."
    keys: tuple[str, ...] = ()
    "For each image the cell that decides the split."
    missing: int = 0
    "Rows that name no image."
    unlabeled: int = 0
    "Images that no row names."
    is_beside: bool = False
    "Whether the table is not in the folder."

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
        source = f"{self.path.name}{' beside the folder' if self.is_beside else ''}"
        parts = f', the parts the column "{self.part_column}"' if self.parts else ""
        tail = f"; not used: {', '.join(more)}" if more else ""
        return f'The classes are the column "{self.column}" of {source}{parts}{tail}.'


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
    folder: Path, images: Sequence[Path], tables: Iterable[FileState], options: LabelOptions
) -> Labels | None:
    """Returns the classes of images by a table; None if none of the tables names them.

    Raises:
        InputError: a table that was asked for cannot be used, or does not say which column it is.
    """
    names = _index_names(folder, images)
    best: tuple[float, _Match] | None = None
    for table in tables:
        rows = _read_rows(table, is_asked_for=bool(options.table))
        is_strict = table.path.parent != folder and not options.table
        if len(rows) > 1:
            match = _match(rows, _Index(names, len(images), is_strict), table.path)
            if match.share > (best[0] if best else 0.0):
                best = (match.share, match)
    if best is None or best[0] < MIN_MATCHES:
        if not options.table:
            return None
        problem = "no column of it holds the names of the images in the folder"
        raise InputError(problem, options.table, "data.labels")
    return _build(best[1], options, is_beside=best[1].path.parent != folder)


@dataclass(frozen=True, slots=True)
class _Index:
    """The images of a folder by every name that a table can have for them."""

    names: dict[str, Path]
    count: int
    is_strict: bool
    "Whether folders in a cell must be those of the image: the table is not in the folder."

    def find(self, cell: str) -> Path | None:
        """Returns the image that a cell names: a name or a path, with or without its suffix."""
        text = cell.strip().replace("\\", "/").lower()
        folder, _, name = text.rpartition("/")
        image = self.names.get(text) or self.names.get(name)
        if image is not None and self.is_strict and folder:
            around = folder.rpartition("/")[2]
            return image if around in map(str.lower, image.parts) else None
        return image


@dataclass(frozen=True, slots=True)
class _Match:
    """A table, and how well its best column names the images."""

    path: Path
    rows: list[Row]
    index: int
    "The column with the names."
    share: float
    image_of: dict[int, Path]
    "The image of each row that names one."
    unlabeled: int


def _match(rows: list[Row], images: _Index, path: Path) -> _Match:
    """Returns the column that names images, and the share of the rows in which it does."""
    columns = [
        {n: image for n, (_, row) in enumerate(rows) if (image := images.find(row[index]))}
        for index in range(len(rows[0][1]))
    ]
    index = max(range(len(columns)), key=lambda index: len(columns[index]))
    matches = columns[index]
    share = min(1.0, len(matches) / (len(rows) - 1))
    image_share = len(set(matches.values())) / max(1, images.count)
    if images.is_strict:
        are_numbers = all(rows[n][1][index].strip().isdecimal() for n in matches)
        if min(share, image_share) < (MIN_NUMBERED if are_numbers else MIN_MATCHES):
            share = 0.0
    unlabeled = len(set(images.names.values()) - set(matches.values()))
    return _Match(path, rows, index, share, matches, unlabeled)


def _build(match: _Match, options: LabelOptions, *, is_beside: bool) -> Labels:
    header, first = _find_header(match)
    part_index = _find_part_column(match, first, header.index(options.column)
                                   if options.column in header else -1)  # fmt: skip
    label_index = _find_label_column(match.path, header, {match.index, part_index}, options.column)
    key_index = _find_column(header, options.split_by, match.path, "data.split_by")
    by_image = {
        match.image_of[n]: row
        for n, row in enumerate(match.rows)
        if n in match.image_of and n >= first and row[1][label_index].strip()
    }
    labels = [cells[label_index].strip() for _, cells in by_image.values()]
    classes = tuple(sorted(set(labels), key=natural_key))
    numbers = {name: number for number, name in enumerate(classes)}
    rows = list(by_image.values())
    return Labels(
        match.path, header[label_index], classes, tuple(by_image),
        tuple(numbers[label] for label in labels), tuple(line for line, _ in rows),
        "" if part_index < 0 else header[part_index],
        () if part_index < 0 else tuple(find_part(cells[part_index]) for _, cells in rows),
        () if key_index < 0 else tuple(cells[key_index].strip() for _, cells in rows),
        missing=len(match.rows) - first - len(by_image), unlabeled=match.unlabeled,
        is_beside=is_beside,
    )  # fmt: skip


def _find_header(match: _Match) -> tuple[list[str], int]:
    """Returns the names of the columns, and the first row below; the first row may be an image."""
    cells = match.rows[0][1]
    if 0 not in match.image_of and not FILE_NAME.search(cells[match.index].strip()):
        return [cell.strip() for cell in cells], 1
    return [f"column {number + 1}" for number in range(len(cells))], 0


def _find_part_column(match: _Match, first: int, label_index: int) -> int:
    """Returns the column that holds a part of the data in each row, such as `train`; -1 if none."""
    rows = [match.rows[n][1] for n in match.image_of if n >= first]
    for index in range(len(match.rows[0][1])):
        parts = {find_part(cell) for cell in {cells[index].strip() for cells in rows}}
        if index not in (match.index, label_index) and "" not in parts and "train" in parts:
            return index
    return -1


def _find_column(header: list[str], name: str, path: Path, key: str) -> int:
    """Returns the column of this name; -1 if it is ""."""
    if not name:
        return -1
    if name in header:
        return header.index(name)
    problem = with_suggestion(f'there is no column "{name}"', name, header)
    raise InputError(problem, str(path), key)


def _find_label_column(path: Path, header: list[str], used: set[int], column: str) -> int:
    if column:
        return _find_column(header, column, path, "data.label_column")
    others = [index for index in range(len(header)) if index not in used]
    if len(others) == 1:
        return others[0]
    lowered = [name.lower() for name in header]
    for name in LABEL_NAMES:
        if name in lowered and lowered.index(name) in others:
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


def _read_rows(table: FileState, *, is_asked_for: bool) -> list[Row]:
    """Returns the rows of a table; none of one that is not asked for and cannot be read."""
    try:
        layout = delimited.detect_layout(find_encoding(table, "", ""), ReadOptions(header="no"))
        return list(delimited.read_rows(layout))
    except InputError:
        if is_asked_for:
            raise
        return []
