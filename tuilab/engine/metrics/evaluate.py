"""Evaluation: loss and scores over examples, accumulated on the device and read once."""

from collections.abc import Callable, Generator
from math import ceil

import torch
from torch import Tensor

from tuilab.engine.data.dataset import IGNORE_INDEX, Examples
from tuilab.engine.device import memory
from tuilab.engine.metrics.losses import LossFunction, flatten_positions, predict_classes
from tuilab.engine.metrics.scores import GroupScores, Scores, r2

CHUNK_SIZES = {"cpu": 1024, "cuda": 8192, "mps": 1024}
"""Examples that are evaluated between two pause points."""

MAX_CHUNK_VALUES = 1 << 22
"""Output values in one chunk: sequences have many for each example."""

TargetFunction = Callable[[Tensor, Tensor], Tensor]
"""Inputs and targets of a chunk to what the network's output is compared with."""


def measure_batch(output: Tensor, targets: Tensor) -> dict[str, float]:
    """Returns the metric of a batch: accuracy for class indices, R² for numbers; {} if empty.

    output [batch, *positions, outputs], targets int64 [batch, *positions] or float like the output.
    """
    if targets.is_floating_point():
        return {"r2": r2(output, targets)} if len(targets) else {}
    output, targets = flatten_positions(output, targets)
    if not len(targets):
        return {}
    return {"accuracy": float((predict_classes(output) == targets).float().mean())}


def evaluate(
    predict: Callable[[Tensor], Tensor],
    loss: LossFunction,
    examples: Examples,
    size: int,
    scores: Scores,
    eval_targets: TargetFunction | None = None,
    groups: tuple[str, ...] = (),
) -> Generator[None, None, dict[str, float]]:
    """Evaluates chunk by chunk and yields between them; returns loss and scores, {} if empty.

    Args:
        predict: raw inputs [n, *shape] to outputs [n, …], without gradients.
        size: examples in a chunk; fewer where they do not fit into memory.
        eval_targets: what outputs are compared with, where that is not the targets.
        groups: names of the groups of examples, if there are any.
    """
    if not len(examples):
        return {}
    losses: list[Tensor] = []
    group_scores = GroupScores(groups)
    start = 0
    while start < len(examples):
        inputs = examples.inputs[start : start + size]
        output = _predict_if_fits(predict, inputs)
        if output is None:
            size = ceil(len(inputs) / 2)
            continue
        targets = examples.targets[start : start + len(inputs)]
        if eval_targets is not None:
            targets = eval_targets(inputs, targets)
        start += len(inputs)
        size = min(size, max(1, MAX_CHUNK_VALUES * len(inputs) // output.numel()))
        if count := _count_targets(targets):
            losses.append(torch.stack([loss(output, targets) * count, output.new_tensor(count)]))
            scores.add(output, targets)
        if examples.groups is not None:
            group_scores.add(output, targets, examples.groups[start - len(inputs) : start])
        yield
    if not losses:
        return {}
    total, count = torch.stack(losses).cpu().double().sum(dim=0).tolist()
    return {"loss": total / count, **scores.read(), **group_scores.read()}


def _count_targets(targets: Tensor) -> int:
    """Returns the number of examples, or of positions with a target, in a mean loss."""
    if targets.is_floating_point() or targets.dim() < 2:
        return len(targets)
    return int((targets != IGNORE_INDEX).sum())


def _predict_if_fits(predict: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor | None:
    """Returns the outputs, or None if there is too little memory for several examples."""
    try:
        return predict(inputs)
    except (MemoryError, RuntimeError) as error:
        if len(inputs) == 1 or not memory.is_out_of_memory(error):
            raise
    memory.free_memory()
    return None
