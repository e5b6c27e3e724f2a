"""Validation and test sets in files of their own: columns are found by their names."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from tuilab.core.catalogue.data.tables import HeldOutName, Table
from tuilab.core.errors import InputError, with_suggestion
from tuilab.core.files.tables.columns import OTHER_CATEGORY, Column
from tuilab.core.files.tables.table import TableInfo
from tuilab.core.format import format_count, format_counted
from tuilab.engine.data import arrays, table_rows
from tuilab.engine.data.dataset import Examples, ProgressCallback
from tuilab.engine.data.split_keys import read_texts

MAX_NAMED = 3


@dataclass(frozen=True, slots=True)
class _HeldOutFile:
    """A file with the validation or the test set."""

    name: HeldOutName
    info: TableInfo

    @property
    def where(self) -> tuple[str, str]:
        """The file, and the key that names it."""
        return str(self.info.file.path), f"data.{self.name}_path"


def read_held_out(
    data: Table, name: HeldOutName, info: TableInfo, report: ProgressCallback
) -> tuple[Examples, tuple[str, ...]]:
    """Reads the validation or the test set from its own file, as the training set is read.

    Returns:
        The examples, and remarks.

    Raises:
        InputError: a column is missing, or a target is not one of the classes.
    """
    file, training = _HeldOutFile(name, info), data.info
    if training.arrays is not None:
        return _read_arrays(training, file, report), ()
    target = training.target
    assert target is not None
    inputs = [column for column in training.inputs if column.width]
    columns, values, answers = _read_columns(training, file, report)
    has_target = ~answers.isnan()
    values, answers = [cells[has_target] for cells in values], answers[has_target]
    triples = list(zip(inputs, columns, values, strict=True))
    encoded = [table_rows.encode(each, cells)[:, : known.width] for known, each, cells in triples]
    group = data.group_column
    groups = next((cells.long() for known, _, cells in triples if known == group), None)
    targets = answers.long() if target.kind == "category" else answers[:, None]
    examples = Examples(torch.cat(encoded, dim=1), targets, groups=groups)
    return examples, (f"The {name} set is {info.file.path.name}.", *_describe_new(name, triples))


def _read_columns(
    training: TableInfo, file: _HeldOutFile, report: ProgressCallback
) -> tuple[list[Column], list[Tensor], Tensor]:
    """Reads the columns of the training set in another file.

    Returns:
        Each input, which has one more category than in training where the file has new ones; its
        cells, float64 [n]; and the targets, float64 [n].
    """
    target = training.target
    assert target is not None
    inputs = [column for column in training.inputs if column.width]
    present = {each.name: each.index for each in file.info.inputs}
    columns = [_add_rest(_find(column, present, file)) for column in (*inputs, target)]
    (*values, answers), _ = table_rows.read_columns(file.info, columns, report)
    if target.kind == "category":
        _check_classes(answers, target, file.info, columns[-1], report)
    return columns[:-1], values, answers


def _describe_new(
    name: HeldOutName, triples: list[tuple[Column, Column, Tensor]]
) -> tuple[str, ...]:
    """Describes categories that the training set does not have, in a sentence."""
    new = [
        f'"{known.name}" {format_count(count)}'
        for known, _, cells in triples
        if known.kind == "category" and (count := int((cells >= known.width).sum()))
    ]
    listed = ", ".join(new[:MAX_NAMED])
    sentence = f"Categories of the {name} set that were not trained on are all 0: {listed}."
    return (sentence,) if new else ()


def _read_arrays(training: TableInfo, file: _HeldOutFile, report: ProgressCallback) -> Examples:
    """Reads a set from an archive of its own; InputError if its arrays have another shape."""
    own, trained = file.info.arrays, training.arrays
    if own is None or trained is None or file.info.shape != training.shape:
        problem = f"its inputs are not {list(training.shape)} as in {training.file.path.name}"
        raise InputError(problem, *file.where)
    if own.targets.shape[1:] != trained.targets.shape[1:]:
        problem = f"its targets are {list(own.targets.shape)}, other than those of training"
        raise InputError(problem, *file.where)
    known = replace(
        file.info, classes=training.classes, is_numeric=training.is_numeric, labels=training.labels
    )
    examples, _ = arrays.read_arrays(known, report)
    return examples


def _find(column: Column, indices: dict[str, int], file: _HeldOutFile) -> Column:
    """Returns a column of the training set where another file has it."""
    if column.name not in indices:
        problem = f'there is no column "{column.name}", which the training set has'
        problem = with_suggestion(problem, column.name, list(indices))
        raise InputError(problem, *file.where)
    return replace(column, index=indices[column.name])


def _add_rest(column: Column) -> Column:
    """Returns a column with a category for everything that the training set does not have."""
    if column.kind != "category" or OTHER_CATEGORY in column.values:
        return column
    return replace(column, values=(*column.values, OTHER_CATEGORY))


def _check_classes(
    answers: Tensor, target: Column, info: TableInfo, column: Column, report: ProgressCallback
) -> None:
    wrong = (answers >= len(target.values)).nonzero().flatten()
    if not len(wrong):
        return
    lines, cells = read_texts(info, column, report)
    index = int(wrong[0])
    classes = ", ".join(target.values[:5])
    raise InputError(
        f'"{cells[index]}" is not among the classes of the training set ({classes}); '
        f"{format_counted(len(wrong), 'row')} of such classes",
        str(info.file.path), f'line {lines[index]}, column "{target.name}"',
    )  # fmt: skip
