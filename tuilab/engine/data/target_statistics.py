"""Statistics of the targets: their scale, and whether examples with similar inputs share them."""

import torch
from torch import Tensor

from tuilab.core.protocol.records import TargetStats
from tuilab.engine.data.dataset import Examples

MAX_COMPARED = 512
"""Examples that are compared with each other."""

MAX_FEATURES = 4096
"""Values of an example up to which it is compared."""


def target_statistics(train: Examples) -> TargetStats | None:
    """Returns the statistics of the training targets; None where they are no classes or numbers."""
    targets = train.targets[:MAX_COMPARED].cpu()
    if targets.is_floating_point() and targets.dim() == 2 and targets.shape[1] == 1:
        values = targets[:, 0].double()
        nearest = _nearest_examples(train.inputs)
        agreement = 0.0 if nearest is None else _correlation(values, values[nearest])
        count = 0 if nearest is None else len(values)
        std = float(values.std(correction=0))
        return TargetStats(count, agreement, 0.0, float(values.mean()), std)
    if targets.is_floating_point() or targets.dim() != 1:
        return None
    nearest = _nearest_examples(train.inputs)
    if nearest is None:
        return TargetStats(0, 0.0, 0.0)
    shares = torch.bincount(targets).double() / len(targets)
    agreement = float((targets[nearest] == targets).double().mean())
    return TargetStats(len(targets), agreement, float(shares.square().sum()))


def _nearest_examples(inputs: Tensor) -> Tensor | None:
    """Returns the index of the nearest other example of each, int64 [n]; None if not comparable.

    Args:
        inputs: [n, ...]; features of very different size count alike.
    """
    is_comparable = inputs.is_floating_point() or inputs.dim() == 4
    if not is_comparable or len(inputs) < 2 or inputs[0].numel() > MAX_FEATURES:
        return None
    rows = inputs[:MAX_COMPARED].flatten(1).cpu().float()
    if inputs.dim() == 2:
        rows = (rows - rows.mean(0)) / rows.std(0, correction=0).clamp_min(1e-12)
    distances = torch.cdist(rows, rows)
    distances.fill_diagonal_(torch.inf)
    return distances.argmin(1)


def _correlation(first: Tensor, second: Tensor) -> float:
    """Returns the correlation of two columns of numbers [n]; 0 if one does not vary."""
    first, second = first - first.mean(), second - second.mean()
    size = float(first.norm() * second.norm())
    return float(first @ second) / size if size > 0 else 0.0
