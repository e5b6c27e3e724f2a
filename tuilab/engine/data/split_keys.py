"""The column that decides a split: the group of each row, or its place in time."""

from collections import Counter
from collections.abc import Iterable, Sequence
from math import isfinite

import torch
from torch import Tensor

from tuilab.core.errors import InputError
from tuilab.core.files.tables.columns import Column
from tuilab.core.files.tables.date_format import DateFormat, choose_date_format, parse_date
from tuilab.core.files.tables.number_format import PLAIN, parse_number
from tuilab.core.files.tables.table import TableInfo
from tuilab.engine.data import table_rows
from tuilab.engine.data.dataset import ProgressCallback

MIN_DATE_SHARE = 0.5
"""If fewer of the cells are dates in one order, the first cell is the one that is none."""


def read_split_keys(
    info: TableInfo, name: str, report: ProgressCallback, *, is_ordered: bool
) -> Tensor:
    """Returns the group of each row, int64 [rows], or its place in time, float64 [rows].

    Raises:
        InputError: a time that cannot be read, or is missing.
    """
    column = next(c for c in (*info.inputs, info.target) if c is not None and c.name == name)
    lines, cells = read_texts(info, column, report)
    if not is_ordered:
        numbers = {text: number for number, text in enumerate(dict.fromkeys(cells))}
        return torch.tensor([numbers[cell] for cell in cells])
    return torch.tensor(_parse_times(cells, lines, info, column), dtype=torch.float64)


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


def _parse_times(
    cells: Sequence[str], lines: Sequence[int], info: TableInfo, column: Column
) -> list[float]:
    """Returns the times as numbers that grow with them."""
    empty = next((line for cell, line in zip(cells, lines, strict=True) if not cell), None)
    if empty is not None:
        raise _error(info, column, empty, "a row without a time has no place in the order")
    distinct = Counter(cells)
    times = _parse_numbers(distinct, column) or _parse_dates(distinct, info, column)
    bad = next((cell for cell in distinct if cell not in times), None)
    if bad is not None:
        line = lines[cells.index(bad)]
        raise _error(info, column, line, f'"{bad}" is not a time as the others; write 2024-01-31')
    return [times[cell] for cell in cells]


def _parse_numbers(cells: Iterable[str], column: Column) -> dict[str, float]:
    """Returns the value of each cell; empty if one is not a number."""
    if column.kind == "date" and column.is_declared:
        return {}
    style = column.number_format if column.kind == "number" else PLAIN
    try:
        numbers = {cell: parse_number(cell, style) for cell in cells}
    except ValueError:
        return {}
    return numbers if all(map(isfinite, numbers.values())) else {}


def _parse_dates(cells: Counter[str], info: TableInfo, column: Column) -> dict[str, float]:
    """Returns the days since 1970 of each cell that is a date as most of them are.

    Raises:
        InputError: days and months can be read either way, and the order depends on it.
    """
    style = column.date_format if column.is_declared else None
    style = style or choose_date_format(cells, MIN_DATE_SHARE, prefers_day=False)
    if style is None:
        return {}
    times = _parse_each(cells, style)
    if style.is_ambiguous:
        others = _parse_each(cells, DateFormat("dmy" if style.order == "mdy" else "mdy"))
        if sorted(times, key=times.__getitem__) != sorted(others, key=others.__getitem__):
            raise InputError(
                f'"{next(iter(cells))}" can be read with the day or the month first; say which: '
                f'data.kinds = {{"{column.name}" = "dmy"}} or "mdy"',
                str(info.file.path), f'column "{column.name}"',
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


def _error(info: TableInfo, column: Column, line: int, problem: str) -> InputError:
    unit = info.layout.unit if info.layout is not None else "row"
    return InputError(problem, str(info.file.path), f'{unit} {line}, column "{column.name}"')
