"""A test set in a file of its own: its columns are found by their names in the training file."""

from dataclasses import replace

from torch import Tensor

from tuilab.core.errors import InputError, with_suggestion
from tuilab.core.files.tables.columns import OTHER_CATEGORY, Column
from tuilab.core.files.tables.table import TableInfo
from tuilab.core.format import format_count, format_counted
from tuilab.engine.data import arrays, table_rows
from tuilab.engine.data.dataset import Examples, ProgressCallback
from tuilab.engine.data.split_keys import read_texts

MAX_NAMED = 3


def read_test_table(
    info: TableInfo, test: TableInfo, report: ProgressCallback
) -> tuple[list[Tensor], list[Column], Tensor, tuple[str, ...]]:
    """Reads a test set as the training set is read.

    Returns:
        The cells of each input, float64 [n] each, and its column, which has one more category than
        in training where the test set has new ones; the targets, float64 [n]; and remarks.

    Raises:
        InputError: a column is missing, or a target is not one of the classes.
    """
    inputs = [column for column in info.inputs if column.width]
    target = info.target
    assert target is not None
    indices = {column.name: column.index for column in (*test.inputs, test.target) if column}
    columns = [_find(column, indices, test) for column in (*inputs, target)]
    with_rest = [_add_rest(column) for column in columns]
    (*values, answers), *_ = table_rows.read_columns(test, with_rest, report)
    if target.kind == "category":
        _check_classes(answers, target, test, columns[-1], report)
    new = [
        f'"{column.name}" {format_count(count)}'
        for column, cells in zip(inputs, values, strict=True)
        if column.kind == "category" and (count := int((cells >= column.width).sum()))
    ]
    remarks = [f"The test set is {test.file.path.name}."]
    if new:
        listed = ", ".join(new[:MAX_NAMED])
        remarks.append(f"Categories of the test set that were not trained on are all 0: {listed}.")
    return values, with_rest[:-1], answers, tuple(remarks)


def read_test_arrays(info: TableInfo, test: TableInfo, report: ProgressCallback) -> Examples:
    """Reads a test set from an archive of its own.

    Raises:
        InputError: the inputs have another shape.
    """
    if test.arrays is None or info.arrays is None or test.shape != info.shape:
        problem = f"its inputs are not {list(info.shape)} as in {info.file.path.name}"
        raise InputError(problem, str(test.file.path), "data.test_path")
    if test.arrays.targets.shape[1:] != info.arrays.targets.shape[1:]:
        problem = f"its targets are {list(test.arrays.targets.shape)}, other than those of training"
        raise InputError(problem, str(test.file.path), "data.test_path")
    known = replace(test, classes=info.classes, is_numeric=info.is_numeric, labels=info.labels)
    examples, _ = arrays.read_arrays(known, report)
    return examples


def _find(column: Column, indices: dict[str, int], test: TableInfo) -> Column:
    """Returns a column of the training set where the test set has it."""
    if column.name not in indices:
        problem = f'there is no column "{column.name}", which the training set has'
        problem = with_suggestion(problem, column.name, list(indices))
        raise InputError(problem, str(test.file.path), "data.test_path")
    return replace(column, index=indices[column.name])


def _add_rest(column: Column) -> Column:
    """Returns a column with a category for everything that the training set does not have."""
    if column.kind != "category" or OTHER_CATEGORY in column.values:
        return column
    return replace(column, values=(*column.values, OTHER_CATEGORY))


def _check_classes(
    answers: Tensor, target: Column, test: TableInfo, column: Column, report: ProgressCallback
) -> None:
    wrong = (answers >= len(target.values)).nonzero().flatten()
    if not len(wrong):
        return
    lines, cells = read_texts(test, column, report)
    index = int(wrong[0])
    classes = ", ".join(target.values[:5])
    raise InputError(
        f'"{cells[index]}" is not among the classes of the training set ({classes}); '
        f"{format_counted(len(wrong), 'row')} of such classes",
        str(test.file.path), f'line {lines[index]}, column "{target.name}"',
    )  # fmt: skip
