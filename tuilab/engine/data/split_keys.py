"""The column that decides a split: the group of each row, or its place in time."""

from collections.abc import Sequence
from datetime import UTC, datetime

import torch
from torch import Tensor

from tuilab.core.errors import InputError
from tuilab.core.files.tables.columns import Column
from tuilab.core.files.tables.table import TableInfo
from tuilab.engine.data import table_rows
from tuilab.engine.data.dataset import ProgressCallback

DAYS = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d.%m.%y", "%d-%b-%Y", "%d %b %Y",
        "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%Y-%m", "%b %Y", "%B %Y")  # fmt: skip
"""How a day or a month is written where there is no doubt what is what."""

AMBIGUOUS_DAYS = (("%d/%m/%Y", "%m/%d/%Y"), ("%d/%m/%y", "%m/%d/%y"), ("%d-%m-%Y", "%m-%d-%Y"))
"""How a day is written by some with the day first, and by others with the month first."""

TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", "T%H:%M", "T%H:%M:%S", " %I:%M %p")


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
    distinct = list(dict.fromkeys(cells))
    times = _parse_numbers(distinct) or _parse_iso(distinct)
    times = times or _parse_formats(distinct, info, column)
    if times is None:
        known = _parse_formats(distinct[:1], info, column)
        bad = distinct[0] if known is None else _find_other(distinct, info, column)
        line = lines[cells.index(bad)]
        raise _error(info, column, line, f'"{bad}" is not a time as the others; write 2024-01-31')
    return [times[cell] for cell in cells]


def _find_other(cells: Sequence[str], info: TableInfo, column: Column) -> str:
    """Returns the first cell that is not written as those before it."""
    low, high = 1, len(cells)
    while low < high:  # as more cells are added, there are never more formats that fit
        middle = (low + high) // 2
        if _parse_formats(cells[:middle], info, column) is None:
            high = middle
        else:
            low = middle + 1
    return cells[low - 1]


def _parse_numbers(cells: Sequence[str]) -> dict[str, float] | None:
    try:
        numbers = {cell: float(cell) for cell in cells}
    except ValueError:
        return None
    return numbers if all(number - number == 0 for number in numbers.values()) else None


def _parse_iso(cells: Sequence[str]) -> dict[str, float] | None:
    try:
        return {cell: _timestamp(datetime.fromisoformat(cell)) for cell in cells}
    except ValueError:
        return None


def _timestamp(time: datetime) -> float:
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def _parse_formats(
    cells: Sequence[str], info: TableInfo, column: Column
) -> dict[str, float] | None:
    for format_text in (day + time for day in DAYS for time in TIMES):
        if (times := _parse(cells, format_text)) is not None:
            return times
    for first, second in AMBIGUOUS_DAYS:
        for time in TIMES:
            pair = [_parse(cells, day + time) for day in (first, second)]
            if (
                pair[0] is not None
                and pair[1] is not None
                and pair[0] != pair[1]
                and len(cells) > 1
            ):
                problem = f'"{cells[0]}" can be read with the day or the month first'
                raise InputError(
                    f"{problem}; sort the rows by time, and set data.split_by to nothing",
                    str(info.file.path), f'column "{column.name}"',
                )  # fmt: skip
            if (times := pair[0] or pair[1]) is not None:
                return times
    return None


def _parse(cells: Sequence[str], format_text: str) -> dict[str, float] | None:
    try:
        return {cell: _timestamp(datetime.strptime(cell, format_text)) for cell in cells}
    except ValueError:
        return None


def _error(info: TableInfo, column: Column, line: int, problem: str) -> InputError:
    unit = info.layout.unit if info.layout is not None else "row"
    return InputError(problem, str(info.file.path), f'{unit} {line}, column "{column.name}"')
