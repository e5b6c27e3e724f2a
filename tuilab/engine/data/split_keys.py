"""The column that decides a split: the group of each row, or its place in time."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

import torch
from torch import Tensor

from tuilab.core.errors import InputError
from tuilab.core.files.tables.columns import Column
from tuilab.core.files.tables.date_format import DateFormat, choose_date_format, parse_date
from tuilab.core.files.tables.number_format import PLAIN, NumberFormat, parse_number
from tuilab.core.files.tables.table import TableInfo
from tuilab.engine.data import table_rows
from tuilab.engine.data.dataset import ProgressCallback

MIN_DATE_SHARE = 0.5
"""If fewer of the cells are dates in one order, the first cell is the one that is none."""


@dataclass(frozen=True, slots=True)
class KeyColumn:
    """The column that decides a split, as texts."""

    name: str
    cells: Sequence[str]
    lines: Sequence[int]
    path: Path
    unit: str = "line"
    number_format: NumberFormat = PLAIN
    date_format: DateFormat | None = None
    "Where a user declares it."


def read_split_keys(
    info: TableInfo, name: str, report: ProgressCallback, *, is_ordered: bool
) -> Tensor:
    """Returns the group of each row of a table, int64 [rows], or its time, float64 [rows].

    Raises:
        InputError: a time that cannot be read, or is missing.
    """
    column = next(c for c in (*info.inputs, info.target) if c is not None and c.name == name)
    lines, cells = read_texts(info, column, report)
    unit = info.layout.unit if info.layout is not None else "row"
    number_format = column.number_format if column.kind == "number" else PLAIN
    date_format = column.date_format if column.is_declared else None
    keys = KeyColumn(name, cells, lines, info.file.path, unit, number_format, date_format)
    return to_split_keys(keys, is_ordered=is_ordered)


def to_split_keys(column: KeyColumn, *, is_ordered: bool) -> Tensor:
    """Returns the group of each cell, int64 [n], or its place in time, float64 [n].

    Raises:
        InputError: a time that cannot be read, or is missing.
    """
    if is_ordered:
        return torch.tensor(_parse_times(column), dtype=torch.float64)
    numbers = {text: number for number, text in enumerate(dict.fromkeys(column.cells))}
    return torch.tensor([numbers[cell] for cell in column.cells])


def read_texts(
    info: TableInfo, column: Column, report: ProgressCallback
) -> tuple[list[int], list[str]]:
    """Returns the cells of a column as texts, with the lines that they are in."""
    lines: list[int] = []
    cells: list[str] = []
    text_column = Column(column.name, column.index, "category")
    for fraction, chunk_lines, columns in table_rows.read_chunks(info, [text_column]):
        report(f'Reading "{column.name}"', fraction)
        lines += chunk_lines
        cells += [str(cell).strip() for cell in columns[column.index]]
    return lines, cells


def _parse_times(column: KeyColumn) -> list[float]:
    """Returns the times as numbers that grow with them."""
    pairs = zip(column.cells, column.lines, strict=True)
    empty = next((line for cell, line in pairs if not cell), None)
    if empty is not None:
        raise _error(column, empty, "a row without a time has no place in the order")
    distinct = Counter(column.cells)
    times = _parse_numbers(distinct, column) or _parse_dates(distinct, column)
    bad = next((cell for cell in distinct if cell not in times), None)
    if bad is not None:
        line = column.lines[column.cells.index(bad)]
        raise _error(column, line, f'"{bad}" is not a time as the others; write 2024-01-31')
    return [times[cell] for cell in column.cells]


def _parse_numbers(cells: Iterable[str], column: KeyColumn) -> dict[str, float]:
    """Returns the value of each cell; empty if one is not a number."""
    if column.date_format is not None:
        return {}
    try:
        numbers = {cell: parse_number(cell, column.number_format) for cell in cells}
    except ValueError:
        return {}
    return numbers if all(map(isfinite, numbers.values())) else {}


def _parse_dates(cells: Counter[str], column: KeyColumn) -> dict[str, float]:
    """Returns the days since 1970 of each cell that is a date as most of them are.

    Raises:
        InputError: days and months can be read either way, and the order depends on it.
    """
    style = column.date_format or choose_date_format(cells, MIN_DATE_SHARE, prefers_day=False)
    if style is None:
        return {}
    times = _parse_each(cells, style)
    if style.is_ambiguous:
        others = _parse_each(cells, DateFormat("dmy" if style.order == "mdy" else "mdy"))
        if sorted(times, key=times.__getitem__) != sorted(others, key=others.__getitem__):
            raise InputError(
                f'"{next(iter(cells))}" can be read with the day or the month first; write '
                f'2024-01-31, or in a table say which: data.kinds = {{"{column.name}" = "dmy"}} '
                'or "mdy"',
                str(column.path), f'column "{column.name}"',
            )  # fmt: skip
    return times


def _parse_each(cells: Iterable[str], style: DateFormat) -> dict[str, float]:
    """Returns the days since 1970 of each cell that is a date in this format."""
    times = {}
    for cell in cells:
        try:
            times[cell] = parse_date(cell, style)
        except (ValueError, OverflowError):
            continue
    return times


def _error(column: KeyColumn, line: int, problem: str) -> InputError:
    where = f'{column.unit} {line}, column "{column.name}"'
    return InputError(problem, str(column.path), where)
