"""Tables of the user's own as tensors: numbers, one input for each category, gaps as NaN.

Which columns there are is decided by the look at the file in `lab.tables`; all rows are read here.
"""

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from tuilab.core.catalogue.data.tables import Table
from tuilab.core.errors import InputError
from tuilab.core.files.tables.columns import OTHER, Column
from tuilab.core.files.tables.table import Look
from tuilab.engine.data import arrays, table_rows
from tuilab.engine.data.dataset import Part, Report, Source
from tuilab.engine.data.rng import rng_for


def table(data: Table, seed: int, report: Report) -> Source:
    """All rows; some of them to test. Targets are the number in the column, or the class."""
    look = data.look
    indicators: Tensor | None
    remarks: tuple[str, ...]
    if look.arrays is not None:
        training, test = arrays.parts(look, report)
        indicators, remarks = None, ()
    else:
        training, remarks = _read(look, data.group, report)
        test = training.at(torch.arange(0))
        kinds = [column.kind == "category" for column in look.inputs for _ in range(column.width)]
        indicators = torch.tensor(kinds)
    if not len(test):
        training, test = _parted(training, data.test, seed)
    return Source(training, test, remarks=remarks, indicators=indicators)


def answer(source: Source, data: Table, classes: tuple[str, ...]) -> None:
    """Bring targets that are numbers into the form that the task wants, one of classes if any."""
    for part in (source.training, source.test):
        if part.targets.is_floating_point():
            part.targets = _places(part.targets, data.look) if classes else part.targets.float()


def complete(
    source: Source, data: Table, training: Part, validation: Part, is_regression: bool
) -> None:
    """Fill gaps and scale a target that is a number, by what the training part has."""
    parts = (training, validation, source.test)
    inputs, targets = training.inputs, training.targets
    if inputs.is_floating_point():
        means = inputs.flatten(0, -2).nanmean(dim=0).nan_to_num()
        gaps = sum(int(part.inputs.isnan().sum()) for part in parts)
        for part in parts:
            part.inputs = torch.where(part.inputs.isnan(), means, part.inputs)
        if gaps:
            told = f"{_count(gaps, 'missing number')} filled with the mean to train on."
            source.remarks = (*source.remarks, told)
    if targets.is_floating_point() and data.normalize_target and is_regression:
        mean, spread = targets.mean(), targets.std(correction=0)
        spread = spread if spread > 0 else torch.ones(())
        for part in parts:
            part.targets = (part.targets - mean) / spread
        told = f"Targets are around {float(mean):.4g}; errors are in units of {float(spread):.4g}."
        source.remarks = (*source.remarks, told)


def _places(targets: Tensor, look: Look) -> Tensor:
    """The class of each target that is a number; InputError where one is unknown."""
    known = torch.tensor([float(name) for name in look.classes], dtype=torch.float64)
    values = targets.flatten()
    places = torch.searchsorted(known, values).clamp(max=len(known) - 1)
    wrong = (known[places] != values).nonzero()
    if len(wrong):
        raise InputError(
            f"a target is {float(values[wrong[0]]):g}, which is not "
            f"among the classes found ({', '.join(look.classes[:5])}, …); in a large file, move a "
            "row of each class to its beginning",
            str(look.file.path),
        )
    return places


def _parted(examples: Part, test: float, seed: int) -> tuple[Part, Part]:
    """Some rows apart, the same ones for the same seed; one at least stays to train on."""
    count = len(examples)
    held = min(round(count * test), count - 1)
    order = torch.randperm(count, generator=rng_for(seed, "test rows"))
    return examples.at(order[held:].sort().values), examples.at(order[:held].sort().values)


# --- columns --------------------------------------------------------------------------------------


def _read(look: Look, group: str, report: Report) -> tuple[Part, tuple[str, ...]]:
    """All rows that have a target, and what was made of the columns."""
    used, target = [column for column in look.inputs if column.width], look.target
    assert target is not None
    found = table_rows.read(look, [*used, target], report)
    *inputs, answers = found.columns
    asked = ~answers.isnan()
    if not asked.any():
        raise InputError(f'every cell of "{target.name}" is missing', str(look.file.path))
    inputs, answers = [values[asked] for values in inputs], answers[asked]
    targets = answers.long() if target.kind == "category" else answers[:, None]
    wide = torch.cat([_wide(*pair) for pair in zip(used, inputs, strict=True)], dim=1)
    told = [*_columns(look, used), *_gaps(asked, found.others)]
    groups = next(
        (
            values.long()
            for column, values in zip(used, inputs, strict=True)
            if column.name == group
        ),
        None,
    )
    return Part(wide, targets, groups=groups), tuple(told)


def _wide(column: Column, values: Tensor) -> Tensor:
    """One input for a number; for a category one for each value."""
    if column.kind == "number":
        return values.float()[:, None]
    return one_hot(values.long(), column.width).float()


def _columns(look: Look, used: list[Column]) -> list[str]:
    """What was made of the columns, in sentences."""
    assert look.target is not None
    numbers = sum(column.kind == "number" for column in used)
    kinds = f"{numbers} of numbers, {len(used) - numbers} of categories"
    made = f"Inputs: {_count(look.shape[0], 'number')} from {_count(len(used), 'column')} ({kinds})"
    told = [f'{made}; target: "{look.target.name}".']
    left_out = [column for column in look.inputs if not column.width]
    told += [f'"{column.name}" is left out: {column.why}.' for column in left_out[:5]]
    if len(left_out) > 5:
        told.append(f"{_count(len(left_out) - 5, 'more column')} left out.")
    return told


def _gaps(asked: Tensor, others: int) -> list[str]:
    """What is missing and unknown, in sentences."""
    told = []
    if unasked := int((~asked).sum()):
        told.append(f"{_count(unasked, 'row')} without a target left out.")
    if others:
        told.append(f"{_count(others, 'text')} that few rows have, taken together as {OTHER}.")
    return told


def _count(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
