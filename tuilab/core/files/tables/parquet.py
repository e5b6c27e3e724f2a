"""Tables in Parquet files, read with pyarrow, an optional dependency."""

from types import ModuleType
from typing import Any

from tuilab.core.errors import InputError
from tuilab.core.files.file_state import FileState
from tuilab.core.files.tables.columns import (
    DATES_UNUSED,
    INDEX_NAMES,
    Column,
    find_column,
    infer_column,
    infer_target,
    make_unique,
)
from tuilab.core.format import format_bytes

MAX_FILE_BYTES = 500_000_000
"""Larger files are refused, since all rows are read."""

MAX_DISTINCT_TEXTS = 2000
"""With more distinct texts, their exact number does not matter."""


def import_pyarrow() -> tuple[ModuleType, ModuleType, ModuleType]:
    """Imports pyarrow with its modules parquet and compute; InputError if it is not installed."""
    try:
        import pyarrow
        from pyarrow import compute, parquet
    except ImportError:
        raise InputError(
            "Parquet files need pyarrow: uv pip install 'tuilab[parquet]'", "data.path"
        ) from None
    return pyarrow, parquet, compute


def read_table(file: FileState) -> Any:
    """Reads the file into a pyarrow Table."""
    pyarrow, parquet, _ = import_pyarrow()
    if file.size > MAX_FILE_BYTES:
        limit = format_bytes(MAX_FILE_BYTES)
        problem = f"it has {format_bytes(file.size)}; use a part of it of at most {limit}"
        raise InputError(problem, str(file.path))
    try:
        table = parquet.read_table(file.path, use_threads=False)
        return _widen_half_floats(pyarrow, table)
    except (pyarrow.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"it is not a complete Parquet file ({reason})", str(file.path)) from None


def _widen_half_floats(pyarrow: ModuleType, table: Any) -> Any:
    """Returns the table with float32 for float16, with which pyarrow computes little."""
    for index, field in enumerate(table.schema):
        if pyarrow.types.is_float16(field.type):
            wide = table.column(index).cast(pyarrow.float32())
            table = table.set_column(index, field.name, wide)
    return table


def infer_columns(file: FileState, target: str) -> tuple[tuple[Column, ...], Column]:
    """Infers the kinds of all input columns and of the target."""
    table = read_table(file)
    names = make_unique(table.column_names)
    if not table.num_rows:
        raise InputError("it has no rows", str(file.path))
    target_index = find_column(target, names, str(file.path))
    cells = _to_texts(names[target_index], table.column(target_index), keep_all=True)
    target_column = infer_target(names[target_index], target_index, cells, table.num_rows)
    inputs = tuple(
        _infer_input(name, index, table.column(index))
        for index, name in enumerate(names)
        if index != target_index
    )
    return inputs, target_column


def _infer_input(name: str, index: int, cells: Any) -> Column:
    pyarrow, _, compute = import_pyarrow()
    kind, reason = cells.type, ""
    types = pyarrow.types
    if types.is_temporal(kind):
        reason = DATES_UNUSED
    elif types.is_nested(kind) or types.is_binary(kind) or types.is_large_binary(kind):
        reason = f"it holds {kind}, neither numbers nor texts"
    if reason:
        return Column(name, index, "left out", reason=reason)
    is_number = types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)
    if is_number and name.lower() not in INDEX_NAMES:
        limits = compute.min_max(cells).as_py()
        if limits["min"] != limits["max"]:
            return Column(name, index, "number")
    return infer_column(name, index, _to_texts(name, cells, keep_all=is_number), is_complete=True)


def _to_texts(name: str, cells: Any, keep_all: bool) -> list[str]:
    """Returns the values as texts, missing ones as ""; only distinct ones unless `keep_all`."""
    if not keep_all or cells.length() > MAX_DISTINCT_TEXTS:
        cells = cells.unique()
    pyarrow, _, _ = import_pyarrow()
    try:
        values = cells.to_pylist()[: 2 * MAX_DISTINCT_TEXTS]
    except (pyarrow.ArrowException, ValueError, OverflowError) as error:  # a date out of range
        problem = f"a value of type {cells.type} cannot be read ({error})"
        raise InputError(problem, f'column "{name}"') from None
    return ["" if value is None else str(value) for value in values]
