"""Faults of batch norm: batches too small to measure, and training unlike evaluation."""

from collections.abc import Iterator

from tuilab.core.catalogue.layers.normalization import BatchNorm1d, BatchNorm2d
from tuilab.core.diagnosis.evidence import Evidence, late, points
from tuilab.core.diagnosis.finding import Diagnosis, Fix

SMALL = 4
"""Examples of a batch whose mean and spread are mostly chance."""


def small_batch(seen: Evidence) -> Iterator[Diagnosis]:
    """Batch norm measures mean and spread on a handful of examples."""
    norms = seen.layers(BatchNorm1d, BatchNorm2d)
    size = getattr(seen.experiment.data, "batch_size", 0)
    if not norms or not 0 < size <= SMALL:
        return
    yield Diagnosis(
        "batch_too_small_for_batch_norm",
        "The batch is too small for batch norm",
        [f"{norms[0].key} measures mean and spread of each feature on {size} examples."],
        "Measured on so few, they are mostly chance, and training is unlike evaluation.",
        0.9,
        seen.fix("32 examples in a batch", "data.batch_size", 32) + _layer_norm(seen),
    )


def gap(seen: Evidence) -> Iterator[Diagnosis]:
    """The same network is far worse in evaluation than in training, by its running means."""
    norms = seen.layers(BatchNorm1d, BatchNorm2d)
    if not norms or len(seen.loss) < 5 or len(seen.validation) < 3:
        return
    train, of = late(seen.loss), "its training examples"
    measured = seen.results.get("train", {}).get("loss")
    if measured is None:  # the best that it ever was on others: that is no learning by heart
        measured, of = min(y for _, y in seen.validation), "the validation examples at best"
    least = 1.15 if _lags(seen) else 1.5
    if measured < least * train or measured < 0.1:
        return
    yield Diagnosis(
        "batch_norm_gap",
        "Batch norm makes evaluation unlike training",
        [f"In training the loss is {train:.3g}; in evaluation it is {measured:.3g} on {of}."],
        "Evaluation uses running means, and these are far from what batches have.",
        0.9,
        _momentum(seen) + _layer_norm(seen),
        points(seen.validation),
        "validation loss",
    )


def _lags(seen: Evidence) -> bool:
    """Whether the running means are mostly still what they began as: nothing that was measured."""
    norms = seen.layers(BatchNorm1d, BatchNorm2d)
    moves = [(getattr(row.layer, "momentum", 0.1) or 1.0) * seen.steps for row in norms]
    return min(moves) < 1


def _layer_norm(seen: Evidence) -> list[Fix]:
    norms = {row.path: "LayerNorm" for row in seen.layers(BatchNorm1d)}
    return seen.lines("LayerNorm instead", dict(norms)) if norms else []


def _momentum(seen: Evidence) -> list[Fix]:
    norms = {row.path: type(row.layer).__name__ for row in seen.layers(BatchNorm1d, BatchNorm2d)}
    return seen.lines("momentum 0.1, the usual", dict(norms))
