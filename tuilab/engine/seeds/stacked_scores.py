"""Metrics of several networks at once, the same as those of each alone."""

import torch
from torch import Tensor

from tuilab.core.catalogue.losses import Loss
from tuilab.core.catalogue.metrics import MIN_TOP_5_CLASSES
from tuilab.engine.metrics.losses import class_scores, predict_classes, probabilities
from tuilab.engine.metrics.scores import (
    CALIBRATION_BINS,
    MAX_MATRIX_CLASSES,
    MAX_RANKED_VALUES,
    class_metrics,
)

ClassResult = tuple[dict[str, float], list[list[int]]]
"""The scores of a network by name, and its confusion matrix; empty for many classes."""


def measure_accuracies(outputs: Tensor, targets: Tensor) -> list[float]:
    """Returns the accuracy of each network: [nets, n, outputs], targets int64 [nets, n]."""
    accuracies: list[float] = (predict_classes(outputs) == targets).float().mean(1).tolist()
    return accuracies


def score_classes(loss: Loss, top_k: int, outputs: Tensor, targets: Tensor) -> list[ClassResult]:
    """Returns what `ClassScores` would of each network.

    Args:
        outputs: [nets, n, outputs].
        targets: int64 [nets, n].
    """
    nets, examples = targets.shape
    flat, classes = outputs.flatten(0, 1), targets.flatten()
    probs = probabilities(loss, flat)
    ranked = class_scores(loss, flat).view(nets, examples, -1)
    counts = _count_confusions(classes, predict_classes(flat), nets, probs.shape[1])
    errors = _calibration_errors(probs, classes, nets)
    hits = None
    if top_k < probs.shape[1] and (top_k or probs.shape[1] >= MIN_TOP_5_CLASSES):
        top = ranked.topk(top_k or 5, dim=2).indices
        hits = (top == targets[:, :, None]).any(dim=2).sum(1).tolist()
    is_ranked = ranked[0].numel() <= MAX_RANKED_VALUES
    areas: list[tuple[float | None, float]] = [(None, 0.0)] * nets
    if is_ranked:  # rounded from double precision, as `ClassScores` does
        exact = class_scores(loss, flat.double()).float().view(nets, examples, -1)
        areas = _mean_areas(exact, targets)
    results: list[ClassResult] = []
    for net, matrix in enumerate(counts):
        top_hits = None if hits is None else float(hits[net])
        values = class_metrics(matrix, errors[net], top_k, top_hits, areas[net])
        results.append((values, matrix if len(matrix) <= MAX_MATRIX_CLASSES else []))
    return results


def _count_confusions(
    targets: Tensor, predictions: Tensor, nets: int, classes: int
) -> list[list[list[int]]]:
    """Returns counts[net][target][predicted] of [nets · n] examples."""
    index = targets * classes + predictions + _offsets(targets, nets, classes**2)
    counts = torch.bincount(index, minlength=nets * classes**2)
    nested: list[list[list[int]]] = counts.view(nets, classes, classes).tolist()
    return nested


def _offsets(values: Tensor, nets: int, stride: int) -> Tensor:
    """Returns net · stride for each of [nets · n] values."""
    numbers = torch.arange(nets, device=values.device) * stride
    return numbers.repeat_interleave(len(values) // nets)


def _calibration_errors(probs: Tensor, targets: Tensor, nets: int) -> list[float]:
    """Returns the summed difference of confidence and hits over the bins of each network."""
    confidence, predicted = probs.max(dim=1)
    bins = (confidence * CALIBRATION_BINS).long().clamp(0, CALIBRATION_BINS - 1)
    rows = torch.stack([confidence, (predicted == targets).to(confidence.dtype)])
    index = bins + _offsets(bins, nets, CALIBRATION_BINS)
    sums = rows.new_zeros(2, nets * CALIBRATION_BINS).index_add_(1, index, rows)
    errors: list[float] = (sums[0] - sums[1]).abs().view(nets, -1).sum(1).tolist()
    return errors


def _mean_areas(ranked: Tensor, targets: Tensor) -> list[tuple[float | None, float]]:
    """Returns the area under the ROC curve and the average precision of each network.

    Args:
        ranked: scores [nets, n, classes].
        targets: int64 [nets, n].
    """
    classes = [1] if ranked.shape[2] == 2 else range(ranked.shape[2])
    rows = [_areas(ranked[:, :, k].contiguous(), targets == k) for k in classes]
    results: list[tuple[float | None, float]] = []
    for columns in zip(*rows, strict=True):
        areas = [area for area, _ in columns if area == area]
        precisions = [precision for _, precision in columns if precision == precision]
        results.append(
            (
                sum(areas) / len(areas) if areas else None,
                sum(precisions) / len(precisions) if precisions else 0.0,
            )
        )
    return results


def _areas(score: Tensor, is_class: Tensor) -> list[tuple[float, float]]:
    """Returns both areas of one class for each network; NaN where they are not defined.

    Args:
        score: [nets, n].
        is_class: bool [nets, n].
    """
    positives = is_class.sum(1).double()
    negatives = is_class.shape[1] - positives
    ordered, order = (-score).sort(dim=1)
    hits = is_class.gather(1, order)
    first = torch.searchsorted(ordered, ordered, right=False)
    last = torch.searchsorted(ordered, ordered, right=True)
    # Ranks from the lowest score up; ties share their mean rank, from 1.
    ranks = ordered.shape[1] - (first + last - 1).double() / 2
    wins = (ranks * hits).sum(1) - positives * (positives + 1) / 2
    precision = hits.double().cumsum(1).gather(1, last - 1) / last
    average = (precision * hits).sum(1) / positives
    pairs = torch.stack([wins / (positives * negatives), average], dim=1)
    areas: list[tuple[float, float]] = pairs.tolist()
    return areas
