"""Tables in JSON: a record a line, or a list of records or of rows."""

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Literal

from tuilab.core.errors import InputError
from tuilab.core.files.tables.columns import make_unique
from tuilab.core.files.tables.header import Row
from tuilab.core.files.tables.table_layout import Layout
from tuilab.core.files.tables.text_source import TextSource, read_all
from tuilab.core.format import format_bytes

MAX_BYTES = 200_000_000
"""Larger files are refused, since all records are read into memory."""

MAX_COLUMNS = 10_000

Records = tuple[tuple[tuple[int, dict[str, Any]], ...], Literal["line", "item"]]
"""Records with the number of their line or item, and which of the two is counted."""


def find_layout(source: TextSource) -> Layout:
    """Finds the columns of a JSON file: the keys of its records, in the order they appear in."""
    records, unit = _read_records(source)
    names = list(dict.fromkeys(key for _, record in records for key in record))
    path = str(source.file.path)
    if len(names) < 2:
        raise InputError("a table needs records with at least two keys", path)
    if len(names) > MAX_COLUMNS:
        raise InputError(f"its records have {len(names)} different keys; that is no table", path)
    return Layout("json", make_unique(names), source, unit=unit)


def read_rows(layout: Layout) -> Iterator[Row]:
    """Yields the records as rows with their numbers; a missing key is an empty cell."""
    records, _ = _read_records(layout.source)
    names = list(dict.fromkeys(key for _, record in records for key in record))
    for number, record in records:
        yield number, [_to_text(record.get(name)) for name in names]


def _to_text(value: Any) -> str:
    """Returns a value as CSV would hold it."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return repr(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False)


@lru_cache(maxsize=2)
def _read_records(source: TextSource) -> Records:
    path = str(source.file.path)
    if source.size > MAX_BYTES:
        problem = f"it has {format_bytes(source.size)}; at most {format_bytes(MAX_BYTES)} are read"
        raise InputError(problem, path)
    text = read_all(source)
    try:
        records = _parse_whole(text, path)
    except (json.JSONDecodeError, RecursionError) as error:
        lines = [line for line in text.splitlines() if line.strip()]
        is_lines = len(lines) > 1 and all(
            line.lstrip().startswith(("{", "[")) for line in lines[:2]
        )
        if not is_lines or isinstance(error, RecursionError):
            raise _describe(error, path, 1) from None
        records = _parse_lines(text, path)
    if not records[0]:
        raise InputError("it has no records", path)
    return records


def _parse_lines(text: str, path: str) -> Records:
    records = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                value = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise _describe(error, path, number) from None
            records.append((number, _to_record(value, number, "line", path)))
    return tuple(records), "line"


def _parse_whole(text: str, path: str) -> Records:
    """Parses a list of records or rows, or a table by columns; a single record is a line."""
    try:
        value = json.loads(text)
    except ValueError as error:
        if isinstance(error, json.JSONDecodeError):
            raise
        raise InputError("it holds a number that is too long", path) from None
    if isinstance(value, dict):
        if isinstance(value.get("data"), list) and isinstance(value.get("columns"), list):
            value = [value["columns"], *value["data"]]  # pandas: orient="split"
        elif isinstance(value.get("data"), list):
            value = value["data"]
        elif value and all(isinstance(column, (dict, list)) for column in value.values()):
            return _from_columns(value), "item"
        else:
            value = [value]
    if not isinstance(value, list):
        raise InputError("it holds no list of records", path)
    has_names = (
        bool(value)
        and all(isinstance(row, list) for row in value)
        and all(isinstance(cell, str) for cell in value[0])
        and any(not isinstance(cell, str) for row in value[1:4] for cell in row)
    )
    if has_names:
        names, rows = make_unique(value[0]), value[1:]
        return tuple(
            (n, dict(zip(names, row, strict=False))) for n, row in enumerate(rows, 2)
        ), "item"
    records = ((n, _to_record(row, n, "item", path)) for n, row in enumerate(value, 1))
    return tuple(records), "item"


def _from_columns(value: dict[str, Any]) -> tuple[tuple[int, dict[str, Any]], ...]:
    """Returns the records of a table by columns, each a list or a table by row."""
    columns = {
        name: column if isinstance(column, dict) else dict(enumerate(column))
        for name, column in value.items()
    }
    keys = dict.fromkeys(key for column in columns.values() for key in column)
    return tuple(
        (number, {name: column.get(key) for name, column in columns.items()})
        for number, key in enumerate(keys, 1)
    )


def _to_record(value: Any, number: int, unit: str, path: str) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    if isinstance(value, list):
        return {f"column {index + 1}": cell for index, cell in enumerate(value)}
    problem = f'it holds {json.dumps(value)[:30]}, not a record such as {{"x": 1, "y": 2}}'
    raise InputError(problem, path, f"{unit} {number}")


def _describe(error: Exception, path: str, line: int) -> InputError:
    if isinstance(error, json.JSONDecodeError):
        where = f"line {line + error.lineno - 1}, column {error.colno}"
        return InputError(f"this is not JSON: {error.msg}", path, where)
    if isinstance(error, RecursionError):
        return InputError("it is nested too deeply for a table", path)
    return InputError("it holds a number that is too long", path, f"line {line}")
