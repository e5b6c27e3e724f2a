"""Tables of the user as tensors: numbers, one input per category, missing values as NaN.

The columns and their kinds were already decided by `core/files/tables`; here all rows are read.
"""

import torch
from torch import Tensor

from tuilab.core.catalogue.data.tables import Table
from tuilab.core.errors import InputError
from tuilab.core.files.tables.columns import Column
from tuilab.core.files.tables.table import TableInfo
from tuilab.core.format import format_counted, format_number
from tuilab.engine.data import arrays, table_rows
from tuilab.engine.data.dataset import Examples, ProgressCallback
from tuilab.engine.data.held_out_file import read_held_out
from tuilab.engine.data.read_labels import read_labels
from tuilab.engine.data.sources import RawDataset, TestSplit, source
from tuilab.engine.data.split_keys import read_split_keys

MAX_NAMED_TARGETS = 5


@source(Table)
def table(data: Table, seed: int, report: ProgressCallback) -> RawDataset:
    """Reads all rows, and sets that have files of their own; targets are still numbers."""
    info = data.info
    indicators: Tensor | None = None
    remarks: tuple[str, ...] = ()
    if info.arrays is not None:
        training, test = arrays.read_arrays(info, report)
    else:
        training, has_target, remarks = _read(info, data.group_column, report)
        test = training.select(torch.arange(0))
        kinds = [column.kind == "category" for column in info.inputs for _ in range(column.width)]
        indicators = torch.tensor(kinds)
    if data.split_by and data.split in ("grouped", "ordered") and info.arrays is None:
        is_ordered = data.split == "ordered"
        keys = read_split_keys(info, data.split_by, report, is_ordered=is_ordered)
        training.split_keys = keys[has_target]
    if info.labels is not None and info.arrays is None:
        training = read_labels(training, info, report)
    held_out: dict[str, Examples] = {}
    for name, file in data.held_out.items():
        held_out[name], more = read_held_out(data, name, file, report)
        remarks = (*remarks, *more)
    test = held_out.get("test", test)
    test_split = None if len(test) else TestSplit(data.test, "test rows")
    return RawDataset(
        training, test, validation=held_out.get("validation"), remarks=remarks,
        indicators=indicators, groups=data.groups, test_split=test_split,
    )  # fmt: skip


def convert_targets(raw: RawDataset, data: Table, classes: tuple[str, ...]) -> None:
    """Converts numeric targets to classes where the task needs them."""
    for examples in filter(None, (raw.training, raw.validation, raw.test)):
        targets = examples.targets
        if targets.is_floating_point() and data.info.labels is None:
            examples.targets = _to_classes(targets, data.info) if classes else targets


def fill_gaps(raw: RawDataset, training: Examples, validation: Examples) -> None:
    """Replaces missing inputs by the mean of the training set."""
    if not training.inputs.is_floating_point():
        return
    splits = (training, validation, raw.test)
    means = training.inputs.flatten(0, -2).nanmean(dim=0).nan_to_num()
    gaps = sum(int(examples.inputs.isnan().sum()) for examples in splits)
    for examples in splits:
        examples.inputs = torch.where(examples.inputs.isnan(), means, examples.inputs)
    if gaps:
        remark = (
            f"{format_counted(gaps, 'missing number')} replaced by the mean of the training set."
        )
        raw.remarks = (*raw.remarks, remark)


def standardize_targets(raw: RawDataset, training: Examples, validation: Examples) -> None:
    """Standardizes numeric targets by the mean and standard deviation of the training set."""
    if not training.targets.is_floating_point():
        return
    mean, std = training.targets.mean(), training.targets.std(correction=0)
    std = std if std > 0 else torch.ones(())
    for examples in (training, validation, raw.test):
        examples.targets = (examples.targets - mean) / std
    unit = format_number(float(std))
    remark = f"Targets have mean {format_number(float(mean))}; errors are in units of {unit}."
    raw.remarks = (*raw.remarks, remark)


def cast_targets(raw: RawDataset, training: Examples, validation: Examples) -> None:
    """Casts numeric targets to float32, after they were standardized."""
    for examples in (training, validation, raw.test):
        if examples.targets.dtype == torch.float64:
            examples.targets = examples.targets.float()


def _to_classes(targets: Tensor, info: TableInfo) -> Tensor:
    """Returns the class of each numeric target; raises InputError where one is unknown."""
    known = torch.tensor([float(name) for name in info.classes], dtype=torch.float64)
    values = targets.flatten()
    classes = torch.searchsorted(known, values).clamp(max=len(known) - 1)
    wrong = (known[classes] != values).nonzero()
    if len(wrong):
        raise InputError(
            f"a target is {format_number(float(values[wrong[0]]))}, which is not among the classes "
            f"found ({', '.join(info.classes[:5])}, …); in a large file, move a row of each class "
            "to its beginning",
            str(info.file.path),
        )
    return classes


# --- columns --------------------------------------------------------------------------------------


def _read(
    info: TableInfo, group: Column | None, report: ProgressCallback
) -> tuple[Examples, Tensor, tuple[str, ...]]:
    """Reads all rows that have a target; returns which these are, and remarks on the columns."""
    inputs, target = [column for column in info.inputs if column.width], info.target
    assert target is not None
    (*values, answers), cell_remarks = table_rows.read_columns(info, [*inputs, target], report)
    has_target = ~answers.isnan()
    if not has_target.any():
        raise InputError(f'every cell of "{target.name}" is missing', str(info.file.path))
    values, answers = [column[has_target] for column in values], answers[has_target]
    targets = answers.long() if target.kind == "category" else answers[:, None]
    pairs = list(zip(inputs, values, strict=True))
    encoded = torch.cat([table_rows.encode(column, cells) for column, cells in pairs], dim=1)
    groups = next((cells.long() for column, cells in pairs if column == group), None)
    remarks = (
        *_describe_columns(info, inputs), *info.remarks, *cell_remarks, *_describe_gaps(has_target)
    )  # fmt: skip
    return Examples(encoded, targets, groups=groups), has_target, remarks


def _describe_columns(info: TableInfo, inputs: list[Column]) -> list[str]:
    """Describes how the columns are used, in sentences."""
    assert info.target is not None
    names = {"number": "numeric", "category": "categorical", "date": "of dates"}
    counts = {kind: sum(column.kind == kind for column in inputs) for kind in names}
    kinds = ", ".join(
        f"{count} {names[kind]}" for kind, count in counts.items() if count or kind != "date"
    )
    width, columns = format_counted(info.shape[0], "number"), format_counted(len(inputs), "column")
    targets = info.labels.columns if info.labels is not None else (info.target,)
    answers = ", ".join(f'"{column.name}"' for column in targets[:MAX_NAMED_TARGETS])
    answers += ", …" if len(targets) > MAX_NAMED_TARGETS else ""
    sentences = [f"Inputs: {width} from {columns} ({kinds}); target: {answers}."]
    left_out = [column for column in info.inputs if not column.width]
    sentences += [f'"{column.name}" is left out: {column.reason}.' for column in left_out[:5]]
    if len(left_out) > 5:
        sentences.append(f"{format_counted(len(left_out) - 5, 'more column')} left out.")
    return sentences


def _describe_gaps(has_target: Tensor) -> list[str]:
    """Describes missing targets, in sentences."""
    if missing := int((~has_target).sum()):
        return [f"{format_counted(missing, 'row')} without a target left out."]
    return []
