"""The rows of a table as numbers, column by column; an error names its line and column."""

import math
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from tuilab.core.errors import InputError
from tuilab.core.files.tables import parquet
from tuilab.core.files.tables.column_profile import MAX_BAD_SHARE
from tuilab.core.files.tables.columns import (
    MISSING_CATEGORY,
    OTHER_CATEGORY,
    Column,
    category_key,
)
from tuilab.core.files.tables.date_format import parse_date
from tuilab.core.files.tables.missing_words import is_missing, is_spreadsheet_error
from tuilab.core.files.tables.number_format import parse_number
from tuilab.core.files.tables.table import TableInfo, read_rows
from tuilab.core.format import format_count, format_counted, format_percent
from tuilab.engine.data.dataset import ProgressCallback

CHUNK_SIZE = 5000
"""Rows read between two progress reports."""

Chunk = tuple[float, Sequence[int], list[Sequence[Any]]]
"""The fraction read, the line in which each row ends, and the cells of each column."""


MAX_NAMED_CELLS = 3
"""Cells that a remark names with their lines."""


def read_columns(
    info: TableInfo, columns: list[Column], report: ProgressCallback
) -> tuple[list[Tensor], list[str]]:
    """Reads columns of a table; `report` may raise to cancel.

    Returns:
        Columns, float64 [n] each: numbers, or the index of a category, NaN where it is missing; and
        remarks on the cells that are not what their column holds.

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
    for reader in readers:
        reader.check()
    tensors = [torch.frombuffer(reader.values, dtype=torch.float64).clone() for reader in readers]
    return tensors, _describe_cells(readers)


def encode(column: Column, values: Tensor) -> Tensor:
    """Returns one input for a number, [n, 1], and one-hot inputs for a category, [n, width].

    They are float64 until they are standardized: as float32, large numbers of like size are equal.
    """
    if column.kind != "category":
        return values[:, None]
    return one_hot(values.long(), column.width).double()


def _describe_cells(readers: "list[_ColumnReader]") -> list[str]:
    """Describes cells taken as missing or combined, in sentences."""
    sentences = []
    errors = sum(reader.errors for reader in readers)
    if errors:
        names = ", ".join(f'"{reader.column.name}"' for reader in readers if reader.errors)
        word = next(reader.first_error for reader in readers if reader.errors)
        sentences.append(
            f"{format_counted(errors, 'spreadsheet error')} such as {word} taken as missing, "
            f"in {names}."
        )
    sentences += [reader.describe_bad() for reader in readers if reader.bad_count]
    if others := sum(reader.others for reader in readers):
        sentences.append(f"{format_counted(others, 'rare text')} combined as {OTHER_CATEGORY}.")
    return sentences


def read_chunks(info: TableInfo, columns: list[Column]) -> Iterator[Chunk]:
    """Yields chunks of the rows of a table; of a Parquet file, only these columns are read."""
    return _read_texts(info) if info.layout is not None else _read_parquet(info, columns)


def _read_texts(info: TableInfo) -> Iterator[Chunk]:
    """Yields chunks of a file whose cells are texts."""
    assert info.layout is not None
    total = max(1, info.layout.source.size or info.file.size)
    lines: list[int] = []
    rows: list[list[str]] = []
    size = 0
    for line, row in read_rows(info.layout):
        lines.append(line)
        rows.append(row)
        if len(rows) == CHUNK_SIZE:
            size += sum(map(len, map("".join, rows))) + len(rows) * len(row)
            yield min(1.0, size / total), lines, list(zip(*rows, strict=True))
            lines, rows = [], []
    if rows:
        yield 1.0, lines, list(zip(*rows, strict=True))


def _read_parquet(info: TableInfo, columns: list[Column]) -> Iterator[Chunk]:
    """Yields chunks of a Parquet file; unused columns stay unread."""
    target = info.target.name if info.target and info.target.kind == "category" else ""
    content, done = parquet.read_table(info.file, target), 0
    numbers = {column.index for column in columns if column.kind != "category"}
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
    errors: int = 0
    "Error words of a spreadsheet, taken as missing."
    first_error: str = ""
    bad_count: int = 0
    "Cells that are not what the column holds, taken as missing."
    bad_cells: list[tuple[int, str]] = field(default_factory=list)
    "The first of them, with their lines."
    known: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.column.kind == "category":
            self.known = {
                self._key(name): float(index) for index, name in enumerate(self.column.values)
            }

    def add(self, cells: Sequence[Any], lines: Sequence[int]) -> None:
        """Adds cells and the lines in which they are."""
        is_category = self.column.kind == "category"
        parse = self._parse_categories if is_category else self._parse_numbers
        self.values.extend(parse(cells, lines))

    def check(self) -> None:
        """Raises InputError if too many cells are not what the column holds."""
        missing = sum(map(math.isnan, self.values)) - self.bad_count
        total = len(self.values) - missing
        if self.bad_count > MAX_BAD_SHARE * total and not self.column.is_declared:
            line, cell = self.bad_cells[0]
            share = format_percent(self.bad_count / total)
            raise self._error(
                line,
                f'"{cell}" is not a number; {share} of the cells of the column are not; correct '
                "them, list such words in data.missing, or declare the column in data.kinds",
            )

    def describe_bad(self) -> str:
        """Describes the cells that are not what the column holds, in a sentence."""
        unit = self._unit
        listed = ", ".join(f'"{cell[:30]}" ({unit} {line})' for line, cell in self.bad_cells)
        more = self.bad_count - len(self.bad_cells)
        tail = f" and {format_count(more)} more" if more else ""
        noun = "date" if self.column.kind == "date" else "number"
        what = format_counted(self.bad_count, "cell")
        are = f"is not a {noun} and" if self.bad_count == 1 else f"are not {noun}s and"
        return f'{what} of "{self.column.name}" {are} taken as missing: {listed}{tail}.'

    def _parse_numbers(self, cells: Sequence[Any], lines: Sequence[int]) -> list[float]:
        style = self.column.number_format
        if self.column.kind == "number" and style.decimal == ".":
            try:
                numbers = list(map(float, cells))
            except ValueError:  # most often a missing cell
                pass
            else:
                if all(map(math.isfinite, numbers)) and not any("_" in str(c) for c in cells[:20]):
                    return numbers
        return [self._parse_number(*each) for each in zip(cells, lines, strict=True)]

    def _parse_number(self, cell: Any, line: int) -> float:
        column = self.column
        if not isinstance(cell, str):
            value = float(cell)
            return value if not math.isinf(value) else self._take_as_missing(line, str(cell))
        if is_missing(cell, self.info.options.missing):
            if is_spreadsheet_error(cell.strip()):
                self.errors += 1
                self.first_error = self.first_error or cell.strip()
            return math.nan
        try:
            if column.date_format is not None:
                return parse_date(cell, column.date_format)
            value = parse_number(cell, column.number_format)
        except (ValueError, OverflowError):
            return self._take_as_missing(line, cell)
        return value if math.isfinite(value) else self._take_as_missing(line, cell)

    def _take_as_missing(self, line: int, cell: str) -> float:
        self.bad_count += 1
        if len(self.bad_cells) < MAX_NAMED_CELLS:
            self.bad_cells.append((line, cell.strip()))
        return math.nan

    def _key(self, cell: str) -> str:
        return cell.strip() if self.column.is_exact else category_key(cell)

    def _parse_categories(self, cells: Sequence[Any], lines: Sequence[int]) -> list[float]:
        indices = []
        for cell, line in zip(cells, lines, strict=True):
            text = _to_text(cell)
            index = self.known.get(self._key(text))
            if index is None or text == OTHER_CATEGORY:
                index = self._parse_unknown(text, line)
            indices.append(index)
        return indices

    def _parse_unknown(self, text: str, line: int) -> float:
        """Returns the index of a missing cell, or of a text outside the inspected sample."""
        is_gap = is_missing(text, self.info.options.missing)
        if is_gap and MISSING_CATEGORY in self.known:
            return self.known[MISSING_CATEGORY]
        if OTHER_CATEGORY in self.known:
            self.others += 1
            return self.known[OTHER_CATEGORY]
        if is_gap:
            return math.nan
        classes = ", ".join(self.column.values[:5])
        raise self._error(
            line,
            f'"{text}" is not among the classes found in a sample of this large file '
            f"({classes}, …); move a row of each class to its beginning",
        )

    @property
    def _unit(self) -> str:
        return self.info.layout.unit if self.info.layout is not None else "row"

    def _error(self, line: int, problem: str) -> InputError:
        where = f'{self._unit} {line}, column "{self.column.name}"'
        return InputError(problem, str(self.info.file.path), where)


def _to_text(cell: Any) -> str:
    """Returns a cell of a category as text; a whole number without a fraction."""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e16:
        return str(int(cell))
    return str(cell).strip()
