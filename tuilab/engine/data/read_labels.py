"""Several labels of each row of a table, or the probabilities of its classes, as targets."""

from dataclasses import replace

import torch
from torch import Tensor

from tuilab.core.errors import InputError
from tuilab.core.files.tables.labels import Labels, split_list
from tuilab.core.files.tables.npz import SUM_TOLERANCE
from tuilab.core.files.tables.table import TableInfo
from tuilab.core.format import format_number
from tuilab.engine.data import table_rows
from tuilab.engine.data.dataset import Examples, ProgressCallback


def read_labels(examples: Examples, info: TableInfo, report: ProgressCallback) -> Examples:
    """Returns the examples that have all labels, with targets float32 [n, labels].

    Args:
        examples: the rows whose first target is not missing.

    Raises:
        InputError: the probabilities of a row do not sum to 1.
    """
    labels = info.labels
    assert labels is not None
    columns, _ = table_rows.read_columns(info, list(labels.columns), report)
    if not labels.are_probabilities and not labels.separator:
        columns = [_mark_larger(cells) for cells in columns]
    values = torch.stack(columns, dim=1)
    values = values[~values[:, 0].isnan()]
    if labels.separator:
        return replace(examples, targets=_mark_listed(values[:, 0].long(), labels))
    is_complete = ~values.isnan().any(dim=1)
    return replace(examples.select(is_complete), targets=to_labels(values[is_complete], info))


def to_labels(values: Tensor, info: TableInfo) -> Tensor:
    """Returns the targets for numbers [n, labels], float32: 0 and 1, or probabilities."""
    assert info.labels is not None
    if values.shape[1:] != (len(info.labels.names),):
        raise InputError(
            f"{len(info.labels.names)} labels in training, and targets of {list(values.shape)} in "
            "the test set",
            str(info.file.path),
        )
    if info.labels.are_probabilities:
        values = _scale_to_one(values, info)
    elif not ((values == 0) | (values == 1)).all():
        problem = "a label must be 0 or 1 in each row"
        raise InputError(problem, str(info.file.path))
    return values.float()


def _mark_larger(cells: Tensor) -> Tensor:
    """Returns 1 where a column of two values, such as −1 and 1, has the larger one: float64 [n]."""
    return torch.where(cells.isnan(), cells, (cells == cells.nan_to_num(-torch.inf).max()).double())


def _mark_listed(categories: Tensor, labels: Labels) -> Tensor:
    """Returns 1 where a label is in the list of a row, float32 [n, labels].

    categories: int64 [n], the index of each row's cell among the distinct cells.
    """
    cells = [split_list(cell, labels.separator) for cell in labels.columns[0].values]
    table = torch.tensor([[float(name in cell) for name in labels.names] for cell in cells])
    return table[categories]


def _scale_to_one(values: Tensor, info: TableInfo) -> Tensor:
    """Returns probabilities, [n, classes], that sum to 1 where they did but for rounding."""
    sums = values.sum(dim=1)
    is_wrong = (values < 0).any(dim=1) | ((sums - 1).abs() > SUM_TOLERANCE)
    if is_wrong.any():
        row = int(is_wrong.nonzero()[0])
        numbers = ", ".join(map(format_number, values[row, :5].tolist()))
        raise InputError(
            f"several numeric targets are probabilities of classes and must sum to 1 in each row, "
            f"but a row has {numbers}; give one target, or columns of 0 and 1",
            str(info.file.path),
        )
    return values / sums[:, None]
