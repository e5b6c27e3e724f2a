"""Tables in Parquet files, through pyarrow, which is fetched only by those who ask for it."""

from types import ModuleType
from typing import Any

from tuilab.core.errors import InputError
from tuilab.core.files.file_state import Found
from tuilab.core.files.tables.columns import (
    COUNTERS,
    Column,
    asked,
    chosen,
    distinct_names,
    guessed,
)

LARGEST = 500_000_000
"""Bytes of a file; it is looked at in all its rows."""

MOST_TEXTS = 2000
"""Different texts of a column after which it does not matter how many more there are."""


def library() -> tuple[ModuleType, ModuleType, ModuleType]:
    """pyarrow, its Parquet files and its functions; InputError where it is not installed."""
    try:
        import pyarrow
        from pyarrow import compute, parquet
    except ImportError:
        raise InputError(
            "Parquet files need pyarrow: uv pip install 'tuilab[parquet]'", "data.path"
        ) from None
    return pyarrow, parquet, compute


def table(file: Found) -> Any:
    """The whole file as a pyarrow Table."""
    pyarrow, parquet, _ = library()
    if file.size > LARGEST:
        problem = f"it has {file.size / 1e6:,.0f} MB; take a part of at most {LARGEST // 10**6} MB"
        raise InputError(problem, str(file.path))
    try:
        return parquet.read_table(file.path, use_threads=False)
    except (pyarrow.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"not a whole Parquet file ({reason})", str(file.path)) from None


def columns(file: Found, target: str) -> tuple[tuple[Column, ...], Column]:
    """What every column is, in all its rows, and the target."""
    content = table(file)
    names = distinct_names(content.column_names)
    if not content.num_rows:
        raise InputError("it has no rows", str(file.path))
    place = chosen(target, names, str(file.path))
    told = _texts(content.column(place), every=True)
    answer = asked(names[place], place, told, content.num_rows)
    inputs = tuple(
        _column(name, number, content.column(number))
        for number, name in enumerate(names)
        if number != place
    )
    return inputs, answer


def _column(name: str, place: int, cells: Any) -> Column:
    pyarrow, _, compute = library()
    kind, why = cells.type, ""
    types = pyarrow.types
    if types.is_temporal(kind):
        why = "dates are not used; make numbers of them, such as the month or days since a day"
    elif types.is_nested(kind) or types.is_binary(kind) or types.is_large_binary(kind):
        why = f"it holds {kind}, neither numbers nor texts"
    if why:
        return Column(name, place, "left out", why=why)
    is_number = types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)
    if is_number and name.lower() not in COUNTERS:
        low = compute.min_max(cells).as_py()
        if low["min"] != low["max"]:
            return Column(name, place, "number")
    return guessed(name, place, _texts(cells, every=is_number), is_whole=True)


def _texts(cells: Any, every: bool) -> list[str]:
    """Different values as text, with an empty one for what is missing."""
    if not every or cells.length() > MOST_TEXTS:
        cells = cells.unique()
    return ["" if value is None else str(value) for value in cells.to_pylist()[: 2 * MOST_TEXTS]]
