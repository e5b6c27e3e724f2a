"""The rows of a table as numbers, column by column; an error names its line and column."""

import math
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from tuilab.core.errors import InputError
from tuilab.core.files.tables import delimited, parquet
from tuilab.core.files.tables.columns import (
    MISSING_CATEGORY,
    OTHER_CATEGORY,
    Column,
    is_missing,
    parse_number,
)
from tuilab.core.files.tables.table import TableInfo
from tuilab.engine.data.dataset import ProgressCallback

CHUNK_SIZE = 5000
"""Rows read between two progress reports."""

Chunk = tuple[float, Sequence[int], list[Sequence[Any]]]
"""The fraction read, the line in which each row ends, and the cells of each column."""


def read_columns(
    info: TableInfo, columns: list[Column], report: ProgressCallback
) -> tuple[list[Tensor], int]:
    """Reads columns of a table; `report` may raise to cancel.

    Returns:
        Columns, float64 [n] each: numbers, or the index of a category, NaN where it is missing; and
        the number of texts that are not known categories.

    Raises:
        InputError: the file, line and column that cannot be used.
    """
    readers = [_ColumnReader(column, info) for column in columns]
    for fraction, lines, cells in read_chunks(info, columns):
        report(f"Reading {info.file.path.name}", fraction)
        for reader in readers:
            reader.add(cells[reader.column.index], lines)
    report(f"Reading {info.file.path.name}", 1.0)
    if not readers[0].values:
        raise InputError("it has no rows", str(info.file.path))
    tensors = [torch.frombuffer(reader.values, dtype=torch.float64).clone() for reader in readers]
    return tensors, sum(reader.others for reader in readers)


def read_chunks(info: TableInfo, columns: list[Column]) -> Iterator[Chunk]:
    """Yields chunks of the rows of a table; of a Parquet file, only these columns are read."""
    return _read_text(info) if info.layout is not None else _read_parquet(info, columns)


def _read_text(info: TableInfo) -> Iterator[Chunk]:
    """Yields chunks of a text file."""
    assert info.layout is not None
    lines: list[int] = []
    rows: list[list[str]] = []
    size = 0
    for line, row in delimited.read_rows(info.file, info.layout):
        lines.append(line)
        rows.append(row)
        if len(rows) == CHUNK_SIZE:
            size += sum(map(len, map("".join, rows))) + len(rows) * len(row)
            yield min(1.0, size / info.file.size), lines, list(zip(*rows, strict=True))
            lines, rows = [], []
    if rows:
        yield 1.0, lines, list(zip(*rows, strict=True))


def _read_parquet(info: TableInfo, columns: list[Column]) -> Iterator[Chunk]:
    """Yields chunks of a Parquet file; unused columns stay unread."""
    content, done = parquet.read_table(info.file), 0
    numbers = {column.index for column in columns if column.kind == "number"}
    input_indices = {column.index for column in columns}
    for batch in content.to_batches(max_chunksize=CHUNK_SIZE):
        cells: list[Sequence[Any]] = []
        for index, column in enumerate(batch.columns):
            values = column.to_pylist() if index in input_indices else []
            missing = math.nan if index in numbers else ""
            cells.append([missing if value is None else value for value in values])
        lines = range(done + 1, done + 1 + batch.num_rows)
        done += batch.num_rows
        yield done / content.num_rows, lines, cells


@dataclass(slots=True)
class _ColumnReader:
    """A column while it is read."""

    column: Column
    info: TableInfo
    values: "array[float]" = field(default_factory=lambda: array("d"))
    others: int = 0

    def add(self, cells: Sequence[Any], lines: Sequence[int]) -> None:
        """Adds cells and the lines in which they are."""
        is_number = self.column.kind == "number"
        parse = self._parse_numbers if is_number else self._parse_categories
        self.values.extend(parse(cells, lines))

    def _parse_numbers(self, cells: Sequence[Any], lines: Sequence[int]) -> list[float]:
        try:
            numbers = list(map(float, cells))
        except ValueError:  # most often a missing cell
            numbers = [self._parse_number(*each) for each in zip(cells, lines, strict=True)]
        for infinity in (math.inf, -math.inf):
            if infinity in numbers:
                raise self._error(lines[numbers.index(infinity)], "a number is infinite")
        return numbers

    def _parse_number(self, cell: Any, line: int) -> float:
        if isinstance(cell, str) and is_missing(cell):
            return math.nan
        try:
            return parse_number(cell) if isinstance(cell, str) else float(cell)
        except ValueError:
            raise self._error(line, f'"{cell.strip()}" is not a number') from None

    def _parse_categories(self, cells: Sequence[Any], lines: Sequence[int]) -> list[float]:
        known = {name: float(index) for index, name in enumerate(self.column.values)}
        indices = []
        for cell, line in zip(cells, lines, strict=True):
            text = str(cell).strip()
            index = known.get(text)
            if index is None or text == OTHER_CATEGORY:
                index = self._parse_unknown(text, known, line)
            indices.append(index)
        return indices

    def _parse_unknown(self, text: str, known: dict[str, float], line: int) -> float:
        """Returns the index of a missing cell, or of a text outside the inspected sample."""
        if is_missing(text) and MISSING_CATEGORY in known:
            return known[MISSING_CATEGORY]
        if OTHER_CATEGORY in known:
            self.others += 1
            return known[OTHER_CATEGORY]
        if is_missing(text):
            return math.nan
        classes = ", ".join(self.column.values[:5])
        raise self._error(
            line,
            f'"{text}" is not among the classes found in a sample of this large file '
            f"({classes}, …); move a row of each class to its beginning",
        )

    def _error(self, line: int, problem: str) -> InputError:
        unit = "line" if self.info.layout is not None else "row"
        where = f'{unit} {line}, column "{self.column.name}"'
        return InputError(problem, str(self.info.file.path), where)
