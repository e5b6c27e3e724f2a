"""What can be trained and will most likely disappoint: warnings, told before a run begins."""

from collections.abc import Iterator

from tuilab.core.catalogue.initializations import Constant, Zeros
from tuilab.core.catalogue.layers.activation import SELU, Identity, Sigmoid, Softmax, Step
from tuilab.core.catalogue.layers.dropout import (
    AlphaDropout,
    DropConnect,
    Dropout,
    Dropout1d,
    Dropout2d,
    Reparameterization,
)
from tuilab.core.catalogue.layers.linear import Linear
from tuilab.core.catalogue.layers.shape import Flatten
from tuilab.core.catalogue.losses import BCE, KL, CrossEntropy, Focal, meaning
from tuilab.core.experiment.experiment import Experiment, name_of
from tuilab.core.experiment.plain_python import doubtful
from tuilab.core.network.plan import Row

TRANSPARENT = (Dropout, Flatten, Identity)
"""Layers that leave two linear ones what they are: one linear map."""

DRAWING = (Dropout, Dropout1d, Dropout2d, AlphaDropout, DropConnect, Reparameterization)
"""Layers that give something else each time."""


def doubts(experiment: Experiment) -> list[str]:
    """What is doubtful in an experiment that has no problems, each with its key."""
    rows = [row for row in experiment.plan.rows if row.layer is not None and not row.is_block]
    return [
        *_activations(experiment, rows),
        *_linear(rows),
        *_beginning(experiment, rows),
        *_stepping(experiment, rows),
        *doubtful(experiment),
    ]


def _activations(experiment: Experiment, rows: list[Row]) -> Iterator[str]:
    kinds = {type(row.layer) for row in rows}
    for row in rows:
        if isinstance(row.layer, AlphaDropout) and SELU not in kinds:
            yield (
                f"{row.key}: AlphaDropout keeps mean and spread of what SELU makes, and there is "
                "no SELU here; take Dropout, or SELU for the activations"
            )
        if isinstance(row.layer, Step) and name_of(experiment.task) != "perceptron":
            yield (
                f"{row.key}: the derivative of Step is 0, so nothing before it learns; "
                "take Sigmoid or ReLU, or the task perceptron"
            )
    last = rows[-1] if rows else None
    if last is None:
        return
    if isinstance(last.layer, Softmax) and isinstance(
        meaning(experiment.loss), (CrossEntropy, KL, Focal)
    ):
        name = name_of(experiment.loss)
        yield (
            f"{last.key}: {name} has its own softmax; after a second one gradients are small "
            "and the loss cannot reach 0. Take this line away"
        )
    if isinstance(last.layer, Sigmoid) and isinstance(meaning(experiment.loss), BCE):
        yield f"{last.key}: bce has its own sigmoid; take this line away"


def _linear(rows: list[Row]) -> Iterator[str]:
    for row in linear_pairs(rows):
        yield (
            f"{row.key}: two Linear layers with nothing between them are only one; "
            "put an activation such as ReLU between"
        )


def linear_pairs(rows: list[Row]) -> Iterator[Row]:
    """The second of every two linear layers in a row of one block."""
    before: Row | None = None
    for row in rows:
        if isinstance(row.layer, TRANSPARENT):
            continue
        is_same_block = before is not None and before.path[:-1] == row.path[:-1]
        if isinstance(row.layer, Linear) and is_same_block:
            yield row
        before = row if isinstance(row.layer, Linear) else None


def _beginning(experiment: Experiment, rows: list[Row]) -> Iterator[str]:
    learning = [row for row in rows if row.parameters]
    if len(learning) > 1 and isinstance(experiment.initialization, (Zeros, Constant)):
        yield (
            "initialization.weights: all units of a layer begin alike and get the same gradient, "
            "so they stay alike; fine to see, not to learn"
        )


def _stepping(experiment: Experiment, rows: list[Row]) -> Iterator[str]:
    """An optimizer that compares losses at several points wants the same function at each."""
    if not experiment.optimizer.needs_closure:
        return
    name, size = name_of(experiment.optimizer), experiment.data.batch_size
    if size:
        yield (
            f"data.batch_size: {name} builds on differences between gradients, and those of "
            f"{size} examples differ by chance; take 0, all examples at once"
        )
    for row in rows:
        if isinstance(row.layer, DRAWING):
            yield (
                f"{row.key}: {name} compares the loss at several points of a step, and this layer "
                "draws anew at each; take another optimizer, or this line away"
            )
