"""Leakage: validation examples that are also in the training set."""

from torch import Tensor

MAX_COMPARED_BYTES = 1 << 25
"""The maximum size of the examples that are compared."""

MIN_VALUES = 20
"""Different values of a feature above which equal examples are unlikely to be a coincidence."""


def leaked_fraction(train: Tensor, validation: Tensor) -> float:
    """Returns the fraction of validation inputs that are also training inputs; both [n, ...].

    Returns 0 where equal examples are expected: for tokens, nodes of a graph, and features of few
    values each, such as bits. Of large data sets only the first examples are compared.
    """
    if min(len(train), len(validation)) < MIN_VALUES or not _is_continuous(train):
        return 0.0
    known = set(_hashes(train))
    is_leaked = [row in known for row in _hashes(validation)]
    return sum(is_leaked) / len(is_leaked)


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
