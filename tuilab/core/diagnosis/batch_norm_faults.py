"""Faults of batch norm: small batches, and running statistics that differ from the batches."""

from collections.abc import Iterator

from tuilab.core.catalogue.layers.normalization import BatchNorm1d, BatchNorm2d
from tuilab.core.diagnosis.confidence import make_diagnosis
from tuilab.core.diagnosis.evidence import Evidence, chart, late_median
from tuilab.core.diagnosis.finding import Diagnosis, Fix
from tuilab.core.format import format_number

SMALL_BATCH = 4
"""Up to this batch size, the mean and variance of a batch are mostly noise."""


def detect_small_batch(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects batch norm with very small batches."""
    norms = evidence.find_layers(BatchNorm1d, BatchNorm2d)
    size = getattr(evidence.experiment.data, "batch_size", 0)
    if not norms or not 0 < size <= SMALL_BATCH:
        return
    yield make_diagnosis(
        "batch_too_small_for_batch_norm",
        "The batch is too small for batch norm",
        [f"{norms[0].key} estimates the mean and variance of each feature from {size} examples."],
        "Such estimates are noisy, and training differs from evaluation.",
        evidence.propose("batch size 32", "data.batch_size", 32) + _layer_norm(evidence),
    )


def detect_gap(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects a network that is far worse in evaluation because of its running statistics."""
    norms = evidence.find_layers(BatchNorm1d, BatchNorm2d)
    if not norms or len(evidence.train_loss) < 5 or len(evidence.validation_loss) < 3:
        return
    train, of = late_median(evidence.train_loss), "the training examples"
    measured = evidence.results.get("train", {}).get("loss")
    if measured is None:  # the best value so far, which rules out overfitting
        measured, of = (
            min(y for _, y in evidence.validation_loss),
            "the validation examples at best",
        )
    min_ratio = 1.15 if _lags(evidence) else 1.5
    if measured < min_ratio * train or measured < 0.1:
        return
    yield make_diagnosis(
        "batch_norm_gap",
        "Batch norm behaves differently in evaluation",
        [
            f"The training loss is {format_number(train, 3)}; in evaluation mode it is "
            f"{format_number(measured, 3)} on {of}."
        ],
        "Evaluation uses running statistics, which are far from those of the batches.",
        _momentum(evidence) + _layer_norm(evidence),
        *chart(evidence.validation_loss, "validation loss"),
    )


def _lags(evidence: Evidence) -> bool:
    """Returns whether the running statistics are still close to their initial values."""
    norms = evidence.find_layers(BatchNorm1d, BatchNorm2d)
    updates = [(getattr(row.layer, "momentum", 0.1) or 1.0) * evidence.steps for row in norms]
    return min(updates) < 1


def _layer_norm(evidence: Evidence) -> list[Fix]:
    norms = evidence.find_layers(BatchNorm1d)
    return evidence.propose_layer("LayerNorm instead", norms, "LayerNorm")


def _momentum(evidence: Evidence) -> list[Fix]:
    norms = evidence.find_layers(BatchNorm1d, BatchNorm2d)
    new_lines = {row.path: type(row.layer).__name__ for row in norms}
    return evidence.propose_lines("momentum 0.1, the default", new_lines)
