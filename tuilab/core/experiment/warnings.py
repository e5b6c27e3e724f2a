"""Warnings about experiments that can be trained but are most likely mistakes."""

from collections.abc import Iterator

from tuilab.core.catalogue.initializations import Constant, Zeros
from tuilab.core.catalogue.layers.activation import (
    SELU,
    Identity,
    LogSoftmax,
    Sigmoid,
    Softmax,
    Step,
)
from tuilab.core.catalogue.layers.dropout import (
    AlphaDropout,
    DropConnect,
    Dropout,
    Dropout1d,
    Dropout2d,
    Dropout3d,
    Reparameterization,
)
from tuilab.core.catalogue.layers.linear import Linear
from tuilab.core.catalogue.layers.shape import Flatten
from tuilab.core.catalogue.losses import BCE, KL, NLL, CrossEntropy, Focal, equivalent_loss
from tuilab.core.experiment.experiment import Experiment, name_of
from tuilab.core.experiment.plain_python import find_engine_warnings
from tuilab.core.network.plan import PlanRow

LINEAR_LAYERS = (Dropout, Flatten, Identity)
"""Layers without a nonlinearity: two linear layers around them are one linear map."""

STOCHASTIC_LAYERS = (
    Dropout, Dropout1d, Dropout2d, Dropout3d, AlphaDropout, DropConnect, Reparameterization
)  # fmt: skip
"""Layers whose output is random."""


def find_warnings(experiment: Experiment) -> list[str]:
    """Returns likely mistakes of an experiment without errors, as `key: sentence`."""
    rows = [row for row in experiment.plan.rows if row.layer is not None and not row.is_block]
    return [
        *(f"{row.key}: {row.doubt}" for row in rows if row.doubt),
        *_check_activations(experiment, rows),
        *_check_linear(rows),
        *_check_initialization(experiment, rows),
        *_check_closure(experiment, rows),
        *_check_top_k(experiment),
        *find_engine_warnings(experiment),
    ]


def find_notes(experiment: Experiment) -> list[str]:
    """Returns how lines were read that give the size of their input, as `key: sentence`."""
    return [f"{row.key}: {row.note}" for row in experiment.plan.rows if row.note]


def _check_activations(experiment: Experiment, rows: list[PlanRow]) -> Iterator[str]:
    kinds = {type(row.layer) for row in rows}
    for row in rows:
        if isinstance(row.layer, AlphaDropout) and SELU not in kinds:
            yield (
                f"{row.key}: AlphaDropout keeps mean and variance of SELU activations, and there "
                "is no SELU here; use Dropout, or SELU for the activations"
            )
        if isinstance(row.layer, Step) and name_of(experiment.task) != "perceptron":
            yield (
                f"{row.key}: the derivative of Step is 0, so the layers before it do not learn; "
                "use Sigmoid or ReLU, or the task perceptron"
            )
    last = rows[-1] if rows else None
    if last is None:
        return
    if isinstance(last.layer, Softmax) and isinstance(
        equivalent_loss(experiment.loss), (CrossEntropy, KL, Focal)
    ):
        name = name_of(experiment.loss)
        yield (
            f"{last.key}: {name} applies softmax itself; a second one makes gradients small "
            "and keeps the loss above 0. Remove this line"
        )
    if isinstance(experiment.loss, NLL) and not isinstance(last.layer, LogSoftmax):
        yield (
            f"{last.key}: nll expects log-probabilities, and without LogSoftmax at the end its "
            "loss can fall below 0 forever; add LogSoftmax, or use cross_entropy"
        )
    if isinstance(last.layer, Sigmoid) and isinstance(equivalent_loss(experiment.loss), BCE):
        yield f"{last.key}: bce applies sigmoid itself; remove this line"


def _check_linear(rows: list[PlanRow]) -> Iterator[str]:
    for row in find_adjacent_linear(rows):
        yield (
            f"{row.key}: two Linear layers without an activation between them are one linear map; "
            "put ReLU or another activation between them"
        )


def find_adjacent_linear(rows: list[PlanRow]) -> Iterator[PlanRow]:
    """Yields each linear layer that follows another one in the same block."""
    before: PlanRow | None = None
    for row in rows:
        if isinstance(row.layer, LINEAR_LAYERS):
            continue
        is_same_block = before is not None and before.path[:-1] == row.path[:-1]
        if isinstance(row.layer, Linear) and is_same_block:
            yield row
        before = row if isinstance(row.layer, Linear) else None


def _check_initialization(experiment: Experiment, rows: list[PlanRow]) -> Iterator[str]:
    trained = [row for row in rows if row.parameters]
    if len(trained) > 1 and isinstance(experiment.initialization, (Zeros, Constant)):
        yield (
            "initialization.weights: all units of a layer start with the same weights and get the "
            "same gradient, so they stay equal; use another rule unless you want to see that"
        )


def _check_top_k(experiment: Experiment) -> Iterator[str]:
    k, classes = getattr(experiment.task, "top_k", 0), len(experiment.data.classes)
    if k and k >= classes:
        fix = f"use at most {classes - 1}" if classes > 2 else "set it to 0"
        yield (
            f"task.top_k: each of the {classes} classes is always among the {k} most likely, so it "
            f"is not reported; {fix}"
        )


def _check_closure(experiment: Experiment, rows: list[PlanRow]) -> Iterator[str]:
    """Warns if an optimizer that evaluates the loss several times sees different losses."""
    if not experiment.optimizer.needs_closure:
        return
    name, size = name_of(experiment.optimizer), experiment.data.batch_size
    if size:
        yield (
            f"data.batch_size: {name} compares gradients of several steps, and batches of {size} "
            "examples make them noisy; use 0, all examples at once"
        )
    for row in rows:
        if isinstance(row.layer, STOCHASTIC_LAYERS):
            yield (
                f"{row.key}: {name} evaluates the loss several times in a step, and this layer is "
                "random each time; use another optimizer or remove this line"
            )
