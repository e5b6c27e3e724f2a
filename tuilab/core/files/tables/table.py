"""The columns, the shape and the classes of a table, found before its rows are loaded."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from tuilab.core.errors import InputError
from tuilab.core.files import file_state
from tuilab.core.files.file_state import FileState
from tuilab.core.files.tables import delimited, parquet
from tuilab.core.files.tables.columns import (
    MAX_INTEGER_CLASSES,
    Column,
    current_name,
    find_column,
    infer_classes,
    infer_column,
    infer_target,
)
from tuilab.core.files.tables.delimited import HeaderOption, Layout
from tuilab.core.files.tables.npz import ArrayHeader, NpzArrays, find_arrays, read_targets
from tuilab.core.network.layer import Shape

IMAGE_CHANNELS = (1, 3)
"""Numbers of channels by which an array of bytes is recognized as images."""


@dataclass(frozen=True, slots=True)
class TableInfo:
    """A table with the kinds of its columns."""

    file: FileState
    shape: Shape
    classes: tuple[str, ...]
    "Names of the classes; empty if the target can only be a number."
    is_numeric: bool
    "Whether the target can be a number."
    inputs: tuple[Column, ...] = ()
    target: Column | None = None
    layout: Layout | None = None
    "Only of text files."
    arrays: NpzArrays | None = None
    "Only of NPZ archives."
    is_complete: bool = True
    "Whether all rows were inspected; else other categories or classes may follow."

    @property
    def prefers_classes(self) -> bool:
        """Whether the target holds classes rather than numbers."""
        return bool(self.classes) and (
            not self.is_numeric or len(self.classes) <= MAX_INTEGER_CLASSES
        )

    @property
    def input_names(self) -> list[str]:
        """Names of the inputs: a column, or a column and one of its categories."""
        return [
            name
            for column in self.inputs
            for name in ([column.name] if column.kind == "number" else
                         [f"{column.name}={value}" for value in column.values])
            if column.width
        ]  # fmt: skip


def inspect_table(path: str, target: str, leave_out: str, header: HeaderOption) -> TableInfo:
    """Inspects a table; InputError says why it cannot be used. Cached while the file is unchanged.

    Args:
        target: the column to predict; empty for the last one.
        leave_out: columns that are not used, separated by commas.
    """
    file = file_state.stat_file(path, "a table: CSV, TSV, NPZ or Parquet")
    info = _inspect(file, target.strip(), leave_out, header)
    if isinstance(info, InputError):
        raise InputError(info.problem, *info.where)
    return info


def inspect_test_table(path: str, columns: Sequence[str], header: HeaderOption) -> TableInfo:
    """Inspects a test set in a file of its own.

    Only where its columns are matters, not whether they vary as those of a training set must.

    Args:
        columns: of the training set, the target first.
    """
    first_error: InputError | None = None
    for column in columns:
        try:
            return inspect_table(path, column, "", header)
        except InputError as error:
            first_error = first_error or error
            if "data.target" in error.where:  # it has no such column
                break
    assert first_error is not None
    problem = first_error.problem
    raise InputError(problem, path, "data.test_path")


def leave_out_column(info: TableInfo, name: str) -> TableInfo:
    """Returns a table without one column among its inputs: it decides the split.

    Raises:
        InputError: no other input is left.
    """
    inputs = tuple(
        Column(each.name, each.index, "left out", reason="the split is grouped by it")
        if each.name == name
        else each
        for each in info.inputs
    )
    width = sum(column.width for column in inputs)
    if info.arrays is None and not width:
        raise InputError("no column is left as an input besides the groups", str(info.file.path))
    return info if info.arrays is not None else replace(info, inputs=inputs, shape=(width,))


@lru_cache(maxsize=8)
def _inspect(
    file: FileState, target: str, leave_out: str, header: HeaderOption
) -> TableInfo | InputError:
    """Returns the error instead of raising it, so that it is cached as well."""
    suffix = file.path.suffix.lower()
    try:
        if suffix == ".npz":
            return _inspect_arrays(file, target)
        if suffix in (".parquet", ".pq"):
            inputs, target_column = parquet.infer_columns(file, target)
            return _build_info(file, inputs, target_column, leave_out)
        return _inspect_text(file, target, leave_out, header)
    except InputError as error:
        return error if str(file.path) in error.where else error.within(str(file.path))


def _inspect_text(file: FileState, target: str, leave_out: str, header: HeaderOption) -> TableInfo:
    layout = delimited.detect_layout(file, header)
    rows, is_complete = delimited.sample_rows(file, layout)
    columns = list(zip(*rows, strict=True))
    target_index = find_column(target, layout.names, str(file.path))
    target_name = layout.names[target_index]
    target_column = infer_target(target_name, target_index, columns[target_index], len(rows))
    inputs = tuple(
        infer_column(name, index, columns[index], is_complete)
        for index, name in enumerate(layout.names)
        if index != target_index
    )
    return _build_info(file, inputs, target_column, leave_out, layout, is_complete)


def _build_info(
    file: FileState, inputs: tuple[Column, ...], target: Column, leave_out: str,
    layout: Layout | None = None, is_complete: bool = True,
) -> TableInfo:  # fmt: skip
    names = {column.name for column in inputs}
    left_out = {current_name(name.strip(), names) for name in leave_out.split(",") if name.strip()}
    if unknown := left_out - names:
        find_column(min(unknown), sorted(names), str(file.path), "data.leave_out")
    inputs = tuple(
        Column(each.name, each.index, "left out", reason="it is in data.leave_out")
        if each.name in left_out
        else each
        for each in inputs
    )
    width = sum(column.width for column in inputs)
    if not width:
        reasons = "; ".join(f'"{each.name}": {each.reason}' for each in inputs[:3])
        raise InputError(f"no column is left as an input ({reasons})", str(file.path))
    is_numeric = target.kind == "number"
    return TableInfo(
        file, (width,), target.values, is_numeric, inputs, target, layout, None, is_complete
    )


def _inspect_arrays(file: FileState, target: str) -> TableInfo:
    arrays = find_arrays(file, target)
    targets = arrays.targets
    classes = infer_classes(read_targets(file, targets), targets.shape[0])
    is_numeric = targets.dtype[0] not in "US"
    if len(classes) == 1:
        problem = f"{targets.name} is always {classes[0]}: there is nothing to predict"
        raise InputError(problem, str(file.path))
    if not classes and not is_numeric:
        raise InputError(f"{targets.name} has too many distinct texts", str(file.path))
    shape = image_shape(arrays.inputs) or arrays.inputs.shape[1:]
    return TableInfo(file, shape, classes, is_numeric, arrays=arrays)


def image_shape(inputs: ArrayHeader) -> Shape:
    """Returns the shape of an image, channels first, if an array of bytes holds images; else ()."""
    sizes = inputs.shape[1:]
    if inputs.dtype != "u1" or len(sizes) not in (2, 3):
        return ()
    if len(sizes) == 2:
        return (1, *sizes)
    if sizes[0] in IMAGE_CHANNELS:
        return sizes
    return (sizes[2], *sizes[:2]) if sizes[2] in IMAGE_CHANNELS else ()
