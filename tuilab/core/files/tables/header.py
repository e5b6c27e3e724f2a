"""Finds the header among the first rows of a table: what comes before it, and a row of units."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tuilab.core.errors import InputError
from tuilab.core.files.tables.columns import make_unique
from tuilab.core.files.tables.missing_words import is_missing
from tuilab.core.files.tables.number_format import split_number
from tuilab.core.files.tables.read_options import HeaderOption
from tuilab.core.format import format_counted

Row = tuple[int, list[str]]
"""The number of the line in which a row ends, and its cells."""

DATE_LIKE = re.compile(r"\d[\d\-/.:T ZAPMapm+]+")

YEARS = range(1800, 2200)

MAX_UNIT_LENGTH = 20
"""Characters of a cell in a row of units; what is longer is a label, such as a question."""

MAX_LABEL_ROWS = 3
"""Rows of labels and units between the names and the data."""

MIN_ROWS_BELOW = 3
"""Rows of data that are needed to see that a row above them is none."""


@dataclass(frozen=True, slots=True)
class Header:
    """The names of the columns, and where the data begin."""

    names: tuple[str, ...]
    has_header: bool
    skipped: int
    "Lines or rows before the first row of data."
    has_row_names: bool = False
    remarks: tuple[str, ...] = ()


def find_header(rows: Sequence[Row], option: HeaderOption, unit: str, path: str) -> Header:
    """Finds the header among the first rows of a table; rows of another width may precede it."""
    width, start, has_row_names = _find_start(rows, path)
    first, rest = rows[start], [row for row in rows[start + 1 :] if len(row[1]) >= width]
    distinct = [row for row in rest if row[1] != first[1]]
    if len(distinct) < len(rest) and _is_above_names([first, *distinct]):
        rest = distinct  # files that were joined together repeat the header
    below = [cells for _, cells in rest]
    shifted = [cells[1:] for cells in below] if has_row_names else below
    is_named = option == "yes" or (option == "auto" and has_names(first[1], shifted))
    if not is_named:
        if has_row_names:
            raise InputError(
                f"{unit} {first[0]} has {len(first[1])} cells, but there are {width} columns", path
            )
        names = tuple(f"column {number + 1}" for number in range(width))
        skipped = rows[start - 1][0] if start else 0
        return Header(names, False, skipped, remarks=_describe_preamble(rows[:start], unit))
    cells = ["row names", *first[1]] if has_row_names else first[1][:width]
    remarks, skipped = _describe_preamble(rows[:start], unit), first[0]
    for (line, _), label_cells in zip(rest[: count_label_rows(below)], below, strict=False):
        skipped = line
        labels = ", ".join(cell.strip() for cell in label_cells if cell.strip())
        what = "units" if all(len(cell) <= MAX_UNIT_LENGTH for cell in label_cells) else "labels"
        remarks = (*remarks, f"{unit.capitalize()} {line} holds {what}, not data: {labels[:80]}.")
    return Header(make_unique(cells), True, skipped, has_row_names, remarks)


def _find_start(rows: Sequence[Row], path: str) -> tuple[int, int, bool]:
    """Returns the number of columns, the first row of the table, and if its header is one short."""
    counts = Counter(len(cells) for _, cells in rows)
    width = max(counts, key=lambda size: (counts[size], size))
    body = [cells for _, cells in rows if len(cells) == width]
    trailing = 0
    while trailing < width and all(not cells[width - 1 - trailing].strip() for cells in body):
        trailing += 1
    for index, (line, cells) in enumerate(rows):
        filled = sum(map(bool, map(str.strip, cells)))
        follows = rows[index + 1 : index + 4]
        is_regular = bool(follows) and all(len(row) == width for _, row in follows)
        if len(cells) == width and (filled > 1 or width - trailing < 3 or len(rows) < 3):
            return width, index, False
        if width - trailing <= len(cells) < width and is_regular:
            return len(cells), index, False
        if len(cells) == width - 1 and width > 2 and is_regular and filled == len(cells):
            if _is_above_names(rows[index + 1 :]):
                continue
            return width, index, True
        if len(cells) > width and any(map(str.strip, cells[width:])):
            raise InputError(
                f"line {line} has {len(cells)} cells, but there are {width} columns; "
                "quote cells that contain the delimiter",
                path,
            )
        if len(cells) > width:
            return width, index, False
    return width, 0, False


def _describe_preamble(rows: Sequence[Row], unit: str) -> tuple[str, ...]:
    if not rows:
        return ()
    texts = ", ".join(cell.strip() for _, cells in rows for cell in cells if cell.strip())
    return (f"{format_counted(len(rows), unit)} before the table left out: {texts[:80]}.",)


def is_value(cell: str) -> bool:
    """Returns whether a cell looks like a number or a date rather than a name."""
    cell = cell.strip()
    if not cell or not any(map(str.isdecimal, cell)):
        return False
    return split_number(cell) is not None or bool(DATE_LIKE.fullmatch(cell))


def has_names(first: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Returns whether a row holds the names of the columns that are below it."""
    names = [cell.strip() for cell in first]
    columns = [[cell.strip() for cell in column] for column in zip(*below, strict=False)]
    columns += [[] for _ in names[len(columns) :]]
    pairs = list(zip(names, columns, strict=False))
    numbers = [name for name, column in pairs if _is_value_above(name, column)]
    above_numbers = [
        name
        for name, column in pairs
        if name and _is_numeric(column) and not _is_value_above(name, column)
    ]
    certain = [name for name in above_numbers if not is_missing(name)]
    if numbers:
        return _are_names(numbers, certain, names, columns)
    if certain:
        return True
    if any(name and is_missing(name) for name in names):
        return False
    return len(set(names)) == len(names) and not any(
        name and name in column for name, column in pairs
    )


def _is_value_above(cell: str, column: Sequence[str]) -> bool:
    """Returns whether a cell is a number or date; one with a unit only if it is that of others."""
    if not is_value(cell):
        return False
    number = split_number(cell)
    if number is None and any(map(_is_plain_number, column[:20])):
        return False  # a date above counts is the name of their day
    if number is None or not (unit := number.unit or number.scale) or not unit[0].isalpha():
        return True
    others = (split_number(other) for other in column[:20])
    return any(other is not None and (other.unit or other.scale) == unit for other in others)


def _is_plain_number(cell: str) -> bool:
    return split_number(cell) is not None and not is_missing(cell)


def _are_names(
    numbers: list[str], certain: list[str], names: list[str], columns: list[list[str]]
) -> bool:
    """Returns whether the numbers in a row can be names: 0, 1, 2, ... or years."""
    if not all(number.isdecimal() for number in numbers) or len(set(numbers)) < len(numbers):
        return False
    values = [int(number) for number in numbers]
    is_run = values == list(range(values[0], values[0] + len(values)))
    are_years = all(value in YEARS for value in values)
    has_years_below = any(
        cell.isdecimal() and int(cell) in YEARS for column in columns for cell in column[:3]
    )
    if certain:
        return is_run or (are_years and not has_years_below) or len(certain) > len(numbers)
    if are_years and len(values) > 1 and not has_years_below:
        return True
    if not is_run:
        return False
    if not names[0]:
        return True
    if are_years:
        return False
    below = [cell for column in columns for cell in column[:5] if cell]
    has_fractions = any(not cell.isdecimal() for cell in below)
    return len(values) > 2 and values[0] in (0, 1) and len(values) == len(names) and has_fractions


def _is_numeric(column: Sequence[str]) -> bool:
    """Returns whether nearly all cells with a value are numbers or dates."""
    present = [cell for cell in column if not is_missing(cell)]
    return bool(present) and sum(map(is_value, present)) >= 0.9 * len(present)


def _is_above_names(rows: Sequence[Row]) -> bool:
    """Returns whether the first row holds names, so that what is above it describes the file."""
    (_, first), *rest = rows
    columns = zip(first, *(cells for _, cells in rest if len(cells) == len(first)), strict=False)
    return any(
        cell and not is_value(cell) and not is_missing(cell) and _is_numeric(column)
        for cell, *column in columns
    )


def count_label_rows(below: Sequence[Sequence[str]]) -> int:
    """Returns how many rows below the names hold units, or what the columns mean."""
    for count in range(min(MAX_LABEL_ROWS, len(below) - MIN_ROWS_BELOW), 0, -1):
        labels, data = below[:count], below[count:]
        is_first = is_label_row([labels[0], *data])
        if is_first and all(_fits_labels(row, data) for row in labels[1:]):
            return count
    return 0


def is_label_row(below: Sequence[Sequence[str]]) -> bool:
    """Returns whether the first row holds units or labels: texts where all others hold numbers.

    Long texts are labels only if they differ from the cells below in more than one column.
    """
    if len(below) <= MIN_ROWS_BELOW:
        return False
    has_unit, is_long, different = False, False, 0
    for cell, *column in zip(*below, strict=False):
        cell = cell.strip()
        others = [other.strip() for other in column]
        is_named = bool(cell) and not is_missing(cell)
        if _is_numeric(others):
            if is_value(cell):
                return False
            is_long |= len(cell) > MAX_UNIT_LENGTH
            has_unit |= is_named
            different += is_named
        elif is_named and cell in others:
            return False
        else:
            different += is_named and 2 * len(set(others)) <= len(others)
    return has_unit and (not is_long or different > 1)


def _fits_labels(row: Sequence[str], data: Sequence[Sequence[str]]) -> bool:
    """Returns whether a row below one of labels is one as well: no number, and no cell of the data.

    It may have few cells, as the row in which pandas names the index.
    """
    cells = [cell.strip() for cell in row]
    if not any(cells) or any(map(is_value, cells)):
        return False
    columns = [[cell.strip() for cell in column] for column in zip(*data, strict=False)]
    pairs = list(zip(cells, columns, strict=False))
    if any(cell and cell in column for cell, column in pairs):
        return False
    is_above_numbers = any(not is_missing(cell) and _is_numeric(column) for cell, column in pairs)
    return is_above_numbers or (bool(cells[0]) and not any(cells[1:]))
