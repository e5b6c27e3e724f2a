"""The rows of a table, column by column, as numbers; what does not fit is told with its line."""

import math
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from tuilab.core.errors import InputError
from tuilab.core.files.tables import delimited, parquet
from tuilab.core.files.tables.columns import ABSENT, OTHER, Column, is_missing, number
from tuilab.core.files.tables.table import Look
from tuilab.engine.data.dataset import Report

AT_ONCE = 5000
"""Rows read between two reports."""

Chunk = tuple[float, Sequence[int], list[Sequence[Any]]]
"""How far it is, the lines that rows end in, and the cells of each column."""


@dataclass(slots=True)
class Rows:
    """All rows of a table."""

    columns: list[Tensor]
    "float64 [n] each: numbers, or the place of a category among its values; NaN: missing."
    others: int = 0
    "Texts that are none of the categories known."


def read(look: Look, columns: list[Column], report: Report) -> Rows:
    """Read some columns; InputError names file, line and column. `report` may raise to cancel."""
    growing = [_Growing(column, look) for column in columns]
    chunks = _lines(look) if look.layout is not None else _batches(look, columns)
    for fraction, lines, cells in chunks:
        report(f"Reading {look.file.path.name}", fraction)
        for each in growing:
            each.add(cells[each.column.place], lines)
    report(f"Reading {look.file.path.name}", 1.0)
    if not growing[0].values:
        raise InputError("it has no rows", str(look.file.path))
    tensors = [torch.frombuffer(each.values, dtype=torch.float64).clone() for each in growing]
    return Rows(tensors, sum(each.others for each in growing))


def _lines(look: Look) -> Iterator[Chunk]:
    """Chunks of a file of text."""
    assert look.layout is not None
    lines: list[int] = []
    rows: list[list[str]] = []
    size = 0
    for line, row in delimited.records(look.file, look.layout):
        lines.append(line)
        rows.append(row)
        if len(rows) == AT_ONCE:
            size += sum(map(len, map("".join, rows))) + len(rows) * len(row)
            yield min(1.0, size / look.file.size), lines, list(zip(*rows, strict=True))
            lines, rows = [], []
    if rows:
        yield 1.0, lines, list(zip(*rows, strict=True))


def _batches(look: Look, columns: list[Column]) -> Iterator[Chunk]:
    """Chunks of a Parquet file; columns that are not used stay unread."""
    content, done = parquet.table(look.file), 0
    numbers = {column.place for column in columns if column.kind == "number"}
    used = {column.place for column in columns}
    for batch in content.to_batches(max_chunksize=AT_ONCE):
        cells: list[Sequence[Any]] = []
        for place, column in enumerate(batch.columns):
            values = column.to_pylist() if place in used else []
            missing = math.nan if place in numbers else ""
            cells.append([missing if value is None else value for value in values])
        lines = range(done + 1, done + 1 + batch.num_rows)
        done += batch.num_rows
        yield done / content.num_rows, lines, cells


@dataclass(slots=True)
class _Growing:
    """A column while it is read."""

    column: Column
    look: Look
    values: "array[float]" = field(default_factory=lambda: array("d"))
    others: int = 0

    def add(self, cells: Sequence[Any], lines: Sequence[int]) -> None:
        """Some more cells, and where they stand."""
        is_number = self.column.kind == "number"
        taken = self._numbers(cells, lines) if is_number else self._categories(cells, lines)
        self.values.extend(taken)

    def _numbers(self, cells: Sequence[Any], lines: Sequence[int]) -> list[float]:
        try:
            found = list(map(float, cells))
        except ValueError:  # most often a cell that says that nothing is known
            found = [self._number(*each) for each in zip(cells, lines, strict=True)]
        for wild in (math.inf, -math.inf):
            if wild in found:
                raise self._unfit(lines[found.index(wild)], "a number is infinite")
        return found

    def _number(self, cell: Any, line: int) -> float:
        if isinstance(cell, str) and is_missing(cell):
            return math.nan
        try:
            return number(cell) if isinstance(cell, str) else float(cell)
        except ValueError:
            raise self._unfit(line, f'"{cell.strip()}" stands among numbers') from None

    def _categories(self, cells: Sequence[Any], lines: Sequence[int]) -> list[float]:
        known = {name: float(place) for place, name in enumerate(self.column.values)}
        found = []
        for cell, line in zip(cells, lines, strict=True):
            text = str(cell).strip()
            place = known.get(text)
            if place is None or text == OTHER:
                place = self._unknown(text, known, line)
            found.append(place)
        return found

    def _unknown(self, text: str, known: dict[str, float], line: int) -> float:
        """A missing cell, or a text that was not among those looked at."""
        if is_missing(text) and ABSENT in known:
            return known[ABSENT]
        if OTHER in known:
            self.others += 1
            return known[OTHER]
        if is_missing(text):
            return math.nan
        shown = ", ".join(self.column.values[:5])
        raise self._unfit(
            line,
            f'"{text}" is not among the classes found in parts of this large file ({shown}, …); '
            "move a row of each class to its beginning",
        )

    def _unfit(self, line: int, problem: str) -> InputError:
        what = "line" if self.look.layout is not None else "row"
        where = f'{what} {line}, column "{self.column.name}"'
        return InputError(problem, str(self.look.file.path), where)
