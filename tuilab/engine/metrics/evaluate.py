"""Loss and scores over examples, gathered on the device and read once."""

from collections.abc import Callable, Generator
from math import ceil, exp

import torch
from torch import Tensor

from tuilab.engine.data.dataset import IGNORED, Part
from tuilab.engine.device import memory
from tuilab.engine.metrics.losses import LossFunction, flat, predicted
from tuilab.engine.metrics.scores import GroupScores, Scores, r2, surprise_and_hits

CHUNK = {"cpu": 1024, "cuda": 8192, "mps": 1024}
"""Examples evaluated between two chances to pause."""

AT_ONCE = 1 << 22
"""Numbers of output in one chunk at most: sequences have many for each example."""

Wanted = Callable[[Tensor, Tensor], Tensor]
"""Inputs and targets of a chunk to what the network's output is compared with."""


def measure(output: Tensor, wanted: Tensor) -> dict[str, float]:
    """The task's metric on a batch: accuracy for classes, R² for numbers."""
    if wanted.is_floating_point():
        return {"r2": r2(output, wanted)}
    output, wanted = flat(output, wanted)
    return {"accuracy": float((predicted(output) == wanted).float().mean())}


def language(output: Tensor, wanted: Tensor) -> dict[str, float]:
    """Perplexity and accuracy on a batch."""
    surprise, hits, count = surprise_and_hits(output, wanted).tolist()
    return {"perplexity": exp(min(surprise / count, 700)), "accuracy": hits / count}


def evaluate(
    predict: Callable[[Tensor], Tensor],
    loss: LossFunction,
    part: Part,
    size: int,
    scores: Scores,
    wanted: Wanted | None = None,
    groups: tuple[str, ...] = (),
) -> Generator[None, None, dict[str, float]]:
    """Evaluate chunk by chunk, yielding between them; returns loss and scores, {} without examples.

    Args:
        predict: raw inputs to outputs, without gradients.
        size: examples in a chunk; fewer where memory is too short for so many.
        wanted: what outputs are compared with, where that is not the targets.
        groups: what the groups of the examples are called, if there are any.
    """
    if not len(part):
        return {}
    losses: list[Tensor] = []
    apart = GroupScores(groups)
    start = 0
    while start < len(part):
        inputs = part.inputs[start : start + size]
        output = _fitting(predict, inputs)
        if output is None:
            size = ceil(len(inputs) / 2)
            continue
        targets = part.targets[start : start + len(inputs)]
        right = targets if wanted is None else wanted(inputs, targets)
        start += len(inputs)
        size = min(size, max(1, AT_ONCE * len(inputs) // output.numel()))
        if count := _counted(right):
            losses.append(torch.stack([loss(output, right) * count, output.new_tensor(count)]))
            scores.add(output, right)
        if part.groups is not None:
            apart.add(output, right, part.groups[start - len(inputs) : start])
        yield
    if not losses:
        return {}
    total, counted = torch.stack(losses).cpu().double().sum(dim=0).tolist()
    return {"loss": total / counted, **scores.read(), **apart.read()}


def _counted(wanted: Tensor) -> int:
    """How many examples, or positions that are asked for, a mean loss is the mean of."""
    if wanted.is_floating_point() or wanted.dim() < 2:
        return len(wanted)
    return int((wanted != IGNORED).sum())


def _fitting(predict: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor | None:
    """The outputs; None if memory is too short for so many examples at a time."""
    try:
        return predict(inputs)
    except (MemoryError, RuntimeError) as error:
        if len(inputs) == 1 or not memory.is_exhausted(error):
            raise
    memory.release()
    return None
