"""Leakage: validation examples that are also in the training set."""

from itertools import pairwise

import torch
from torch import Tensor

from tuilab.engine.data.dataset import Examples

MAX_COMPARED_BYTES = 1 << 25
"""The maximum size of the examples that are compared."""

MIN_VALUES = 20
"""Different values of a feature above which equal examples are unlikely to be a coincidence."""


MAX_COLUMNS = 64
"""Features up to which coincidences are counted."""

MAX_NEIGHBORS = 5_000
"""Examples among which neighbors on a grid are counted."""

MAX_GRID_CELLS = 2
"""Cells of a grid for each training example below which equal examples are a coincidence."""


def leaked_fraction(train: Examples, validation: Examples) -> float:
    """Returns the fraction of validation examples that are also training examples.

    Two are the same if all inputs are equal, and for numbers the target as well. Returns 0 where
    equal examples are expected: for tokens, nodes of a graph, and features of few values each, such
    as bits. On a grid of whole numbers, rows coincide and rows that differ in one feature are at
    least as common; copies have no such neighbors. Of large data sets only the first are compared.
    """
    if min(len(train), len(validation)) < MIN_VALUES or not _is_continuous(train.inputs):
        return 0.0
    copies = _matching_fraction(_with_targets(train), _with_targets(validation))
    return max(0.0, copies - _neighboring_fraction(train.inputs, validation.inputs, copies))


def _with_targets(examples: Examples) -> Tensor:
    """Returns inputs [n, features] with the numbers that are predicted from them, if they are."""
    inputs, targets = examples.inputs, examples.targets
    if inputs.dim() == 2 and targets.is_floating_point() and targets.dim() == 2:
        return torch.cat([inputs, targets.to(inputs.dtype)], dim=1)
    return inputs


def _matching_fraction(train: Tensor, validation: Tensor) -> float:
    """Returns the fraction of rows [n, ...] that are also among others [m, ...]."""
    known = set(_hashes(train))
    is_known = [row in known for row in _hashes(validation)]
    return sum(is_known) / len(is_known)


def _neighboring_fraction(train: Tensor, validation: Tensor, copies: float) -> float:
    """Returns the fraction of rows [n, features] that differ from another in exactly one feature.

    A single feature is on a grid if its values are whole multiples of the smallest gap.
    """
    if not copies or train.dim() != 2 or train.shape[1] > MAX_COLUMNS:
        return 0.0
    train, validation = train[:MAX_NEIGHBORS].cpu(), validation[:MAX_NEIGHBORS].cpu()
    if train.shape[1] == 1:
        cells = sorted(set(train[:, 0].tolist()))
        gap = min((b - a for a, b in pairwise(cells)), default=0.0)
        span = cells[-1] - cells[0]
        return copies if gap > 0 and span / gap <= MAX_GRID_CELLS * len(train) else 0.0
    is_near = [False] * len(validation)
    for column in range(train.shape[1]):
        others = [index for index in range(train.shape[1]) if index != column]
        values: dict[int, set[float]] = {}
        for row, value in zip(hash_rows(train[:, others]), train[:, column].tolist(), strict=True):
            values.setdefault(row, set()).add(value)
        rows = zip(hash_rows(validation[:, others]), validation[:, column].tolist(), strict=True)
        for index, (row, value) in enumerate(rows):
            is_near[index] |= bool(values.get(row, set()) - {value})
    return sum(is_near) / len(is_near)


def _is_continuous(inputs: Tensor) -> bool:
    """Returns whether some feature has many different values: a measurement, not a category."""
    if not (inputs.is_floating_point() or inputs.dim() == 4):
        return False
    sample = inputs[: 50 * MIN_VALUES].flatten(1)[:, :256].cpu()
    return any(len(column.unique()) > MIN_VALUES for column in sample.T)


def _hashes(inputs: Tensor) -> list[int]:
    """Returns a hash of each example that is compared."""
    size = max(1, inputs[0].numel() * inputs.element_size())
    return hash_rows(inputs[: MAX_COMPARED_BYTES // size])


def hash_rows(inputs: Tensor) -> list[int]:
    """Returns a hash of each example [n, ...]."""
    return [hash(row.tobytes()) for row in inputs.contiguous().cpu().numpy()]
