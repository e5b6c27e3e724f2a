"""Loss and the task's metric over examples, summed on the device and read once."""

from collections.abc import Callable, Generator
from math import ceil

import torch
from torch import Tensor

from tuilab.engine import memory
from tuilab.engine.data.dataset import Part
from tuilab.engine.losses import LossFunction, predicted

CHUNK = {"cpu": 1024, "cuda": 8192, "mps": 1024}
"""Examples evaluated between two chances to pause."""


def measure(output: Tensor, target: Tensor) -> dict[str, float]:
    """The task's metric: accuracy for classes, R² for a regression."""
    if target.is_floating_point():
        residual = (output - target).square().sum()
        spread = (target - target.mean(0)).square().sum()
        return {"r2": float(1 - residual / spread) if spread else 0.0}
    return {"accuracy": float((predicted(output) == target).float().mean())}


def evaluate(
    predict: Callable[[Tensor], Tensor], loss: LossFunction, part: Part, size: int
) -> Generator[None, None, dict[str, float]]:
    """Evaluate chunk by chunk, yielding between them; returns loss and metric, {} without examples.

    Args:
        predict: raw inputs to outputs, without gradients.
        size: examples in a chunk; fewer where memory is too short for so many.
    """
    if not len(part):
        return {}
    outputs: list[Tensor] = []
    losses: list[Tensor] = []
    start = 0
    while start < len(part):
        targets = part.targets[start : start + size]
        output = _fitting(predict, part.inputs[start : start + size])
        if output is None:
            size = ceil(len(targets) / 2)
            continue
        start += len(targets)
        losses.append(loss(output, targets) * (len(targets) / len(part)))
        outputs.append(output)
        yield
    return {"loss": float(torch.stack(losses).sum()), **measure(torch.cat(outputs), part.targets)}


def _fitting(predict: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor | None:
    """The outputs; None if memory is too short for so many examples at a time."""
    try:
        return predict(inputs)
    except (MemoryError, RuntimeError) as error:
        if len(inputs) == 1 or not memory.is_exhausted(error):
            raise
    memory.release()
    return None
