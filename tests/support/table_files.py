"""Writes small tables, and says how they are read."""

import csv
import io
from collections.abc import Iterable, Sequence

from tuilab.core.catalogue.data.tables import Table
from tuilab.core.files.tables.missing_words import is_missing
from tuilab.core.files.tables.table import TableInfo, read_rows


def columns_of(cells: Sequence[str], delimiter: str) -> str:
    """Returns a table with these cells in its column x, over and over, and a target of classes."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow(["x", "y"])
    writer.writerows((cells[i % len(cells)], "ab"[i % 5 % 2]) for i in range(24))
    return text.getvalue()


def rows_of(rows: Iterable[Sequence[object]], head: str = "x,y") -> str:
    """Returns rows as CSV."""
    return "\n".join([head, *(",".join(map(str, row)) for row in rows)]) + "\n"


def kinds_of(path: str) -> dict[str, str]:
    """Returns the kind of each input column of a table."""
    return {column.name: column.kind for column in Table(path=path).info.inputs}


def sample(info: TableInfo) -> list[list[str]]:
    """Returns the cells of all rows."""
    assert info.layout is not None
    return [row for _, row in read_rows(info.layout)]


def values_of(row: Sequence[str]) -> tuple[str, ...]:
    """Returns cells without quotes, missing ones empty."""
    return tuple("" if is_missing(cell) else cell for cell in row)
