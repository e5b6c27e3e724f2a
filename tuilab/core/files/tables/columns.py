"""The columns of a table: their names, what they become, and how a user refers to them."""

import csv
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from tuilab.core.errors import InputError, with_suggestion
from tuilab.core.files.tables.date_format import DateFormat
from tuilab.core.files.tables.missing_words import is_missing
from tuilab.core.files.tables.number_format import PLAIN, NumberFormat, is_finite_number

MISSING_CATEGORY, OTHER_CATEGORY = "(missing)", "(other)"
"""Extra categories: for missing cells, and for texts that were not in the sample of the file."""

OLD_NAMES = {"colour": "color"}  # codespell:ignore
"""Columns of shipped tables that had another name in older versions."""

TARGET_NAMES = ("target", "label", "labels", "class", "y")
"""Names by which the target is found where it is not the last column, in lower case."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    name: str
    index: int
    "Its position in the file, from 0."
    kind: Literal["number", "category", "date", "left out"]
    values: tuple[str, ...] = ()
    "Categories, each of which is one input (one-hot); or the classes of a target."
    reason: str = ""
    "Why it is left out."
    number_format: NumberFormat = PLAIN
    date_format: DateFormat | None = None
    is_exact: bool = False
    "Whether categories differ by case and spaces."
    notes: tuple[tuple[str, str], ...] = ()
    "What a user may want to know about how it is read: topics with details."
    is_declared: bool = False
    "Whether the user says what it is; any number of other cells is then taken as missing."

    @property
    def width(self) -> int:
        """The number of inputs of the network that it becomes."""
        return {"category": len(self.values), "left out": 0}.get(self.kind, 1)


def category_key(cell: str) -> str:
    """Returns a text so that spellings that differ by case, spaces or accents' coding are equal."""
    if cell.isascii() and "  " not in cell:
        return cell.strip().lower()
    return re.sub(r"\s+", " ", unicodedata.normalize("NFC", cell)).strip().casefold()


def are_numbers(cells: Iterable[str]) -> bool:
    """Returns whether every cell is a number, in either convention."""
    comma = NumberFormat(",", ". '")
    return all(is_finite_number(cell) or is_finite_number(cell, comma) for cell in cells)


def current_name(name: str, names: Iterable[str]) -> str:
    """Returns the name of a column in a table; an old name gives today's one if that is there."""
    names = set(names)
    return OLD_NAMES[name] if name not in names and OLD_NAMES.get(name) in names else name


def find_column(target: str, names: Sequence[str], where: str, key: str = "data.target") -> int:
    """Returns the index of a column by its name; InputError suggests the nearest one."""
    target = current_name(_normalize_name(target), names)
    if target in names:
        return names.index(target)
    raise InputError(with_suggestion(f'there is no column "{target}"', target, names), key, where)


def find_default_target(names: Sequence[str], columns: Sequence[Sequence[str]]) -> int:
    """Returns the index of the column that is predicted unless the user names one.

    It is the only one with a name such as `label`, or the last one that has a name or a value.

    Args:
        columns: the cells of each column, or some of them.
    """
    matches = [index for index, name in enumerate(names) if name.lower() in TARGET_NAMES]
    last = next(
        (index for index in reversed(range(len(names)))
         if not re.match(r"(?:unnamed|column) \d", names[index])
         or not all(map(is_missing, columns[index]))),
        len(names) - 1,
    )  # fmt: skip
    return matches[0] if len(matches) == 1 else last


def split_names(text: str, names: Iterable[str]) -> list[str]:
    """Splits a list of columns at its commas; a name with a comma is quoted or found whole."""
    known = set(names)
    pieces = [
        _normalize_name(piece)
        for piece in next(csv.reader([text.replace("\n", " ")], skipinitialspace=True), [])
    ]
    matches = []
    while pieces:
        ends = range(len(pieces), 1, -1)
        joined = {end: (", ".join(pieces[:end]), ",".join(pieces[:end])) for end in ends}
        whole = ((end, name) for end in ends for name in joined[end] if name in known)
        end, name = next(whole, (1, pieces[0]))
        matches.append(name)
        pieces = pieces[end:]
    return [current_name(name, known) for name in matches if name]


def make_unique(names: Sequence[str]) -> tuple[str, ...]:
    """Returns distinct names: repeated ones get a number, and empty ones are `unnamed 3`."""
    unique: list[str] = []
    known: set[str] = set()
    for index, original in enumerate(names):
        base = _normalize_name(original)
        name, count = base or f"unnamed {index + 1}", 1
        while name in known:
            count += 1
            name = f"{base} ({count})" if base else f"unnamed {index + 1} ({count})"
        unique.append(name)
        known.add(name)
    return tuple(unique)


def _normalize_name(name: str) -> str:
    """Returns a name on one line, without spaces around it."""
    return re.sub(r"\s+", " ", name).strip()
