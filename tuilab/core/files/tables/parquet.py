"""Tables in Parquet and Feather files, read with pyarrow, an optional dependency."""

from types import ModuleType
from typing import Any

from tuilab.core.errors import InputError
from tuilab.core.files.file_state import FileState
from tuilab.core.files.tables.column_profile import Cells, FileContext
from tuilab.core.files.tables.columns import (
    Column,
    find_column,
    find_default_target,
    make_unique,
)
from tuilab.core.files.tables.infer_columns import (
    COUNTER,
    COUNTER_NAMES,
    ID_NAME,
    MIN_COUNTED_ROWS,
    is_counting,
)
from tuilab.core.files.tables.infer_columns import infer_columns as infer
from tuilab.core.files.tables.read_options import ReadOptions
from tuilab.core.format import format_bytes

MAX_FILE_BYTES = 500_000_000
"""Larger files are refused, since all rows are read."""

MICROSECONDS_PER_DAY = 86_400_000_000


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


def read_table(file: FileState, as_text: str = "") -> Any:
    """Reads the file into a pyarrow Table of float64, bool, text, and columns that are not used.

    Args:
        as_text: a column whose dates stay texts: classes.
    """
    pyarrow, parquet, _ = import_pyarrow()
    if file.size > MAX_FILE_BYTES:
        limit = format_bytes(MAX_FILE_BYTES)
        problem = f"it has {format_bytes(file.size)}; use a part of it of at most {limit}"
        raise InputError(problem, str(file.path))
    try:
        with file.path.open("rb") as content:
            is_parquet = content.read(4) == b"PAR1"
        if is_parquet:
            table = parquet.read_table(file.path, use_threads=False)
        else:
            from pyarrow import feather

            table = feather.read_table(file.path, use_threads=False)
    except (pyarrow.ArrowException, OSError, ValueError, NotImplementedError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        kind = (
            "Parquet" if file.path.suffix.lower() in (".parquet", ".pq") else "Parquet or Feather"
        )
        raise InputError(f"it is not a complete {kind} file ({reason})", str(file.path)) from None
    names = make_unique(table.column_names)
    columns = [
        _simplify(name, column, name == as_text)
        for name, column in zip(names, table.columns, strict=True)
    ]
    return pyarrow.table(columns, names=list(names))


def _simplify(name: str, column: Any, as_text: bool) -> Any:
    """Returns a column of simple values; InputError where pyarrow cannot convert them."""
    pyarrow, _, _ = import_pyarrow()
    try:
        if as_text and pyarrow.types.is_temporal(column.type):
            return column.cast(pyarrow.string())
        return _to_floats(column)
    except (pyarrow.ArrowException, ValueError, NotImplementedError) as error:
        problem = f"a value of type {column.type} cannot be read ({error})"
        raise InputError(problem, f'column "{name}"') from None


def _to_floats(column: Any) -> Any:
    """Returns numbers and times of any type as float64, times in days since 1970."""
    pyarrow, _, compute = import_pyarrow()
    types, kind = pyarrow.types, column.type
    if types.is_dictionary(kind):
        return _to_floats(column.cast(kind.value_type))
    if types.is_float16(kind):
        column = column.cast(pyarrow.float32())
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return column.cast(pyarrow.float64(), safe=False)
    if types.is_date(kind) or types.is_timestamp(kind):
        column = column.cast(pyarrow.timestamp("us"), safe=False)
    elif types.is_time(kind):
        column = column.cast(pyarrow.time64("us"), safe=False)
    elif types.is_duration(kind):
        column = column.cast(pyarrow.duration("us"), safe=False)
    else:
        return column
    days = column.cast(pyarrow.int64()).cast(pyarrow.float64(), safe=False)
    return compute.divide(days, float(MICROSECONDS_PER_DAY))


def infer_columns(
    file: FileState, target: str, options: ReadOptions
) -> tuple[tuple[Column, ...], Column]:
    """Infers the kinds of all input columns and of the target."""
    table = read_table(file, target)
    times = _find_times(file)
    names = table.column_names
    if not table.num_rows:
        raise InputError("it has no rows", str(file.path))
    heads = [_list_head(*pair) for pair in zip(names, table.columns, strict=True)]
    index = (
        find_column(target, names, str(file.path)) if target else find_default_target(names, heads)
    )
    if index in times and names[index] != target:
        return infer_columns(file, names[index], options)
    context = FileContext(options, unit="row")
    declared = {name for name, _ in options.kinds}
    known: dict[int, Column] = {}
    others = []
    for number, (name, column) in enumerate(zip(names, table.columns, strict=True)):
        typed = None
        if number != index and name not in declared:
            typed = _infer_typed(name, number, column, heads[number], number in times)
        if typed is None:
            others.append(_count(name, number, column, heads[number]))
        else:
            known[number] = typed
    inferred, target_column = infer(others, index, context)
    inputs = {**known, **{column.index: column for column in inferred}}
    return tuple(inputs[number] for number in sorted(inputs)), target_column


def _find_times(file: FileState) -> set[int]:
    """Returns the indices of columns that hold dates or times."""
    pyarrow, parquet, _ = import_pyarrow()
    try:
        schema = parquet.read_schema(file.path)
    except (pyarrow.ArrowException, OSError):
        return set()
    return {index for index, each in enumerate(schema) if pyarrow.types.is_temporal(each.type)}


def _infer_typed(
    name: str, index: int, values: Any, head: list[str], is_time: bool
) -> Column | None:
    """Returns a column whose type says what it is; None for texts and what needs a look."""
    pyarrow, _, compute = import_pyarrow()
    types, kind = pyarrow.types, values.type
    if types.is_nested(kind) or types.is_binary(kind) or types.is_large_binary(kind):
        reason = f"it holds {kind}, neither numbers nor texts"
        return Column(name, index, "left out", reason=reason)
    if not types.is_floating(kind):
        return None
    limits = compute.min_max(values).as_py()
    if limits["min"] is None or (limits["min"] == limits["max"] and not is_time):
        return None
    if is_time and limits["min"] == limits["max"] and not values.null_count:
        return Column(name, index, "left out", reason="it is always the same time")
    if is_time:
        return Column(name, index, "date", notes=(("date", ""),))
    if ID_NAME.fullmatch(name) or ID_NAME.fullmatch(name.lower()):
        return None
    is_named = name.lower() in COUNTER_NAMES
    starts = len(head) >= MIN_COUNTED_ROWS and head[0] in ("0", "1")
    if (is_named or starts) and is_counting(head):
        return Column(name, index, "left out", reason=COUNTER)
    return Column(name, index, "number")


def _list_head(name: str, values: Any) -> list[str]:
    """Returns the first values as texts."""
    return [_to_text(value) for value in _to_list(name, values.slice(0, 1000))]


def _to_list(name: str, values: Any) -> list[Any]:
    """Returns values as Python has them; InputError names a column that it cannot hold."""
    pyarrow, _, _ = import_pyarrow()
    try:
        listed: list[Any] = values.to_pylist()
    except (pyarrow.ArrowException, ValueError, OverflowError) as error:  # texts not in UTF-8
        problem = f"a value of type {values.type} cannot be read ({error})"
        raise InputError(problem, f'column "{name}"') from None
    return listed


def _count(name: str, index: int, values: Any, head: list[str]) -> Cells:
    """Counts the distinct values of a column as texts, missing ones as ""."""
    pyarrow, _, compute = import_pyarrow()
    if pyarrow.types.is_nested(values.type) or pyarrow.types.is_binary(values.type):
        return Cells(name, index, {}, rows=len(values))
    counted = compute.value_counts(values)
    counts: dict[str, int] = {}
    for value, count in zip(
        _to_list(name, counted.field("values")), counted.field("counts").to_pylist(), strict=True
    ):
        text = _to_text(value)
        counts[text] = counts.get(text, 0) + count
    return Cells(name, index, counts, head, rows=len(values))


def _to_text(value: Any) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e16:
        return str(int(value))
    return str(value).strip()
