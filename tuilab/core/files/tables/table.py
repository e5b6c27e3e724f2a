"""The columns, the shape and the classes of a table, found before its rows are loaded."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from tuilab.core.errors import InputError
from tuilab.core.files import file_state
from tuilab.core.files.file_state import FileState
from tuilab.core.files.tables import arff, delimited, json_records, parquet, spreadsheet
from tuilab.core.files.tables.column_profile import Cells, FileContext
from tuilab.core.files.tables.columns import (
    Column,
    find_column,
    find_default_target,
    split_names,
)
from tuilab.core.files.tables.describe_columns import describe_columns
from tuilab.core.files.tables.file_format import FileFormat, Format, recognize
from tuilab.core.files.tables.guess_encoding import describe_encoding
from tuilab.core.files.tables.header import Row
from tuilab.core.files.tables.infer_columns import COUNTER, infer_columns
from tuilab.core.files.tables.infer_target import MAX_INTEGER_CLASSES, infer_classes
from tuilab.core.files.tables.labels import Labels
from tuilab.core.files.tables.npz import (
    ArrayHeader,
    NpzArrays,
    find_arrays,
    has_labels,
    hold_probabilities,
    read_targets,
)
from tuilab.core.files.tables.read_options import DEFAULT_OPTIONS, ReadOptions
from tuilab.core.files.tables.table_layout import Layout
from tuilab.core.files.tables.text_source import TextSource, find_encoding
from tuilab.core.files.tables.total_rows import find_totals
from tuilab.core.network.layer import Shape

FILE_KINDS = "a table: CSV, TSV, NPZ, Parquet, xlsx, JSON or ARFF"

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
    "Of all files but arrays and Parquet."
    arrays: NpzArrays | None = None
    "Only of NPZ archives."
    is_complete: bool = True
    "Whether all rows were inspected; else other categories or classes may follow."
    options: ReadOptions = DEFAULT_OPTIONS
    remarks: tuple[str, ...] = ()
    "Sentences about how the file is read."
    labels: Labels | None = None
    "Where a row has several labels, or probabilities of the classes."

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
            for name in ([f"{column.name}={value}" for value in column.values]
                         if column.kind == "category" else [column.name])
            if column.width
        ]  # fmt: skip


def inspect_table(
    path: str, target: str = "", leave_out: str = "", options: ReadOptions = DEFAULT_OPTIONS
) -> TableInfo:
    """Inspects a table; InputError says why it cannot be used. Cached while the file is unchanged.

    Args:
        target: the column to predict; empty for the one that is kind.
        leave_out: columns that are not used, separated by commas.
    """
    file = file_state.stat_file(path, FILE_KINDS)
    info = _inspect(file, target.strip(), leave_out, options)
    if isinstance(info, InputError):
        raise InputError(info.problem, *info.where)
    return info


def inspect_held_out(
    path: str, training: TableInfo, target: str, options: ReadOptions, key: str
) -> TableInfo:
    """Finds the columns of a validation or test set in a file of its own.

    What they hold is known from the training set.

    Args:
        target: the array of an NPZ archive to predict.
        key: of the experiment, which names the file.
    """
    file, layout = file_state.stat_file(path, FILE_KINDS), None
    if training.layout is not None and options.header == "auto":
        options = replace(options, header="yes" if training.layout.has_header else "no")
    try:
        kind = recognize(file)
        if kind.format == "npz":
            return _inspect_arrays(file, target)
        if kind.format in ("parquet", "feather"):
            names = parquet.read_table(file).column_names
        else:
            layout = find_layout(_open_source(file, kind, options), kind.format, options)
            names = layout.names
    except InputError as error:
        raise InputError(error.problem, path, key) from None
    columns = tuple(Column(name, index, "left out") for index, name in enumerate(names))
    return replace(training, file=file, inputs=columns, layout=layout, arrays=None, remarks=())


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
    file: FileState, target: str, leave_out: str, options: ReadOptions
) -> TableInfo | InputError:
    """Returns the error instead of raising it, so that it is cached as well."""
    try:
        kind = recognize(file)
        if kind.format == "npz":
            return _inspect_arrays(file, target)
        if kind.format in ("parquet", "feather"):
            inputs, target_column = parquet.infer_columns(file, target, options)
            return _build_info(file, inputs, target_column, leave_out, options)
        source = _open_source(file, kind, options)
        return _inspect_rows(source, kind.format, target, leave_out, options)
    except InputError as error:
        return error if str(file.path) in error.where else error.within(str(file.path))


def _open_source(file: FileState, kind: FileFormat, options: ReadOptions) -> TextSource:
    if kind.format == "spreadsheet":
        return TextSource(file)
    return find_encoding(file, kind.packing, kind.member, options.encoding)


def find_layout(source: TextSource, format: Format, options: ReadOptions) -> Layout:  # noqa: A002
    """Finds where the rows of a file begin and what its columns are called."""
    if format == "spreadsheet":
        return spreadsheet.find_layout(source, options)
    if format == "json":
        return json_records.find_layout(source)
    if format == "arff":
        return arff.find_layout(source)
    return delimited.detect_layout(source, options)


def read_rows(layout: Layout) -> Iterator[Row]:
    """Yields all rows of a table as texts, with the line, row or item that each is."""
    readers: dict[str, Any] = {
        "spreadsheet": spreadsheet, "json": json_records, "arff": arff,
    }  # fmt: skip
    rows: Iterator[Row] = readers.get(layout.format, delimited).read_rows(layout)
    return (row for row in rows if row[0] not in layout.left_out) if layout.left_out else rows


def _inspect_rows(
    source: TextSource, kind: Format, target: str, leave_out: str, options: ReadOptions
) -> TableInfo:
    layout, is_complete = find_layout(source, kind, options), True
    footers: list[str] = []
    if kind == "text":
        rows, is_complete = delimited.sample_rows(layout, footers)
    else:
        rows = list(read_rows(layout))
    if not rows:
        raise InputError("it has a header and no rows", str(source.file.path))
    context = FileContext(
        _add_declared(options, layout), layout.delimiter, is_complete, unit=layout.unit
    )
    totals = find_totals(rows, context) if is_complete else {}
    rows = [row for row in rows if row[0] not in totals]
    lines = [line for line, _ in rows]
    cells = list(zip(*(row for _, row in rows), strict=True))
    index = _find_target(target, layout, cells, str(source.file.path))
    columns = [
        Cells.count(name, number, cells[number], lines) for number, name in enumerate(layout.names)
    ]
    inputs, target_column = infer_columns(columns, index, context)
    sums = (
        f"{layout.unit.capitalize()} {line} is left out: it is the {name} of the rows above."
        for line, name in totals.items()
    )
    remarks = (*_describe_source(source), *layout.remarks, *footers, *sums)
    layout = replace(layout, remarks=remarks, left_out=frozenset(totals))
    return _build_info(
        source.file, inputs, target_column, leave_out, context.options, layout, is_complete
    )


def _describe_source(source: TextSource) -> tuple[str, ...]:
    """Describes an encoding that is only a guess, in a sentence."""
    if not source.is_guessed:
        return ()
    name = describe_encoding(source.encoding)
    return (
        f"The file is not UTF-8; it is read as {name}, a guess; if texts look wrong, "
        "set data.encoding.",
    )


def _find_target(target: str, layout: Layout, cells: Sequence[Sequence[str]], path: str) -> int:
    if target:
        return find_column(target, layout.names, path)
    return find_default_target(layout.names, [column[:1000] for column in cells])


def _add_declared(options: ReadOptions, layout: Layout) -> ReadOptions:
    """Returns the options with the kinds that the file itself declares."""
    if layout.format != "arff":
        return options
    by_user = {name for name, _ in options.kinds}
    kinds = (*options.kinds, *(pair for pair in layout.kinds if pair[0] not in by_user))
    return replace(options, kinds=kinds, missing=(*options.missing, "?"))


def _build_info(
    file: FileState, inputs: tuple[Column, ...], target: Column, leave_out: str,
    options: ReadOptions, layout: Layout | None = None, is_complete: bool = True,
) -> TableInfo:  # fmt: skip
    names = {column.name for column in inputs}
    left_out = set(split_names(leave_out, names))
    if unknown := left_out - names:
        find_column(min(unknown), sorted(names), str(file.path), "data.leave_out")
    inputs = tuple(
        Column(each.name, each.index, "left out", reason="it is in data.leave_out")
        if each.name in left_out
        else each
        for each in inputs
    )
    if not any(column.width for column in inputs):
        inputs = tuple(map(_use_counter, inputs))
    width = sum(column.width for column in inputs)
    if not width:
        reasons = "; ".join(f'"{each.name}": {each.reason}' for each in inputs[:3])
        raise InputError(f"no column is left as an input ({reasons})", str(file.path))
    is_numeric = target.kind in ("number", "date")
    remarks = (*(layout.remarks if layout else ()), *describe_columns((*inputs, target), target))
    return TableInfo(
        file, (width,), target.values, is_numeric, inputs, target, layout, None, is_complete,
        options, remarks,
    )  # fmt: skip


def _use_counter(column: Column) -> Column:
    """Returns a column that numbers the rows as an input: there is no other one."""
    if column.reason != COUNTER:
        return column
    return Column(column.name, column.index, "number", notes=(("only input", ""),))


def _inspect_arrays(file: FileState, target: str) -> TableInfo:
    arrays = find_arrays(file, target)
    targets = arrays.targets
    shape = image_shape(arrays.inputs) or arrays.inputs.shape[1:]
    if has_labels(targets):
        labels = _number_labels(targets, are_probabilities=hold_probabilities(file, targets))
        return TableInfo(file, shape, labels.names, False, arrays=arrays, labels=labels)
    classes = infer_classes(read_targets(file, targets), targets.shape[0])
    is_numeric = targets.dtype[0] not in "US"
    if len(classes) == 1:
        problem = f"{targets.name} is always {classes[0]}: there is nothing to predict"
        raise InputError(problem, str(file.path))
    if not classes and not is_numeric:
        raise InputError(f"{targets.name} has too many distinct texts", str(file.path))
    return TableInfo(file, shape, classes, is_numeric, arrays=arrays)


def _number_labels(targets: ArrayHeader, *, are_probabilities: bool) -> Labels:
    """Returns the labels of a matrix of targets, which has no names for them."""
    values = () if are_probabilities else ("0", "1")
    columns = [Column(str(index), index, "number", values) for index in range(targets.shape[1])]
    return Labels(tuple(column.name for column in columns), tuple(columns))


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
