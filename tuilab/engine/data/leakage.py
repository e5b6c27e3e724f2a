"""Whether what is held back to validate is among what is trained on, number by number."""

from torch import Tensor

MOST = 1 << 25
"""Bytes of examples that are compared at most."""

MANY = 20
"""Values that a feature must have for two equal examples to be no chance."""


def repeated(train: Tensor, validation: Tensor) -> float:
    """The share of the validation examples that are also in the training part, all their numbers.

    0 where that tells nothing: for tokens, nodes of a graph, and features of few values each, as
    bits are, which come again by chance. Of large sets the first part is compared.
    """
    if min(len(train), len(validation)) < MANY or not _is_measured(train):
        return 0.0
    known = set(_rows(train))
    found = [row in known for row in _rows(validation)]
    return sum(found) / len(found)


def _is_measured(inputs: Tensor) -> bool:
    """Whether some number of the inputs has many values: a measurement, not a choice."""
    if not (inputs.is_floating_point() or inputs.dim() == 4):
        return False
    some = inputs[: 50 * MANY].flatten(1)[:, :256].cpu()
    return any(len(column.unique()) > MANY for column in some.T)


def _rows(inputs: Tensor) -> list[int]:
    """A hash of each example."""
    size = max(1, inputs[0].numel() * inputs.element_size())
    rows = inputs[: MOST // size].contiguous().cpu().numpy()
    return [hash(row.tobytes()) for row in rows]
