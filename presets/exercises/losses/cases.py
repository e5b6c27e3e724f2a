"""Random inputs and torch's results for the losses and their gradients."""

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from tuilab.engine.grading.case import Case, RandomInputs, compute_gradient, single_result

LARGE = torch.tensor([100.0, -100.0, 2.0, -1.0])
"""Logits of a confident network; the first two have the wrong targets."""


def cases(rng: RandomInputs) -> Iterator[Case]:
    """Yields each loss and its gradient on batches of several sizes."""
    for n, outputs in ((3, 2), (4, 3)):
        yield from _both("mse", F.mse_loss, rng.normal(n, outputs), rng.normal(n, outputs))
    bce = F.binary_cross_entropy_with_logits
    yield from _both("bce", bce, rng.normal(3, scale=2), torch.tensor([1.0, 0.0, 1.0]))
    yield from _both("bce", bce, rng.normal(8, scale=2), rng.binary(8))
    yield from _both("bce", bce, LARGE, torch.tensor([0.0, 1.0, 1.0, 0.0]))
    for n, classes in ((2, 3), (6, 4)):
        yield from _both("cross_entropy", F.cross_entropy, rng.normal(n, classes, scale=2),
                         rng.integers(classes, n))  # fmt: skip
    confident = torch.tensor([[100.0, 0.0, -100.0], [1.0, 100.0, 99.0]])
    yield from _both("cross_entropy", F.cross_entropy, confident, torch.tensor([0, 2]))
    yield from _huber(rng)
    for n, gamma in ((3, 2.0), (8, 0.5), (6, 3.0)):
        focal = partial(_focal, gamma=gamma)
        yield from _both("focal", focal, rng.normal(n), rng.binary(n), gamma=gamma)


def _huber(rng: RandomInputs) -> Iterator[Case]:
    """Yields batches with small and large errors of both signs."""
    for n, delta in ((4, 0.5), (6, 2.0)):
        errors = torch.tensor([0.4, -0.4, 1.7, -1.9, 0.1, 3.0][:n]) * delta
        target = rng.normal(n)
        huber = partial(F.huber_loss, delta=delta)
        yield from _both("huber", huber, target + errors, target, delta=delta)


def _focal(logits: Tensor, target: Tensor, gamma: float) -> Tensor:
    """Returns the focal loss (Lin et al. 2017) without class weights."""
    loss = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return ((1 - torch.exp(-loss)) ** gamma * loss).mean()


def _both(
    name: str, loss: Callable[..., Tensor], first: Tensor, target: Tensor, **options: float
) -> Iterator[Case]:
    """Yields the loss and its gradient by autograd."""
    inputs = {("logits" if target.dim() < first.dim() else "prediction"): first, "target": target}
    if name in ("bce", "focal"):
        inputs = {"logits": first, "target": target}
    yield single_result(name, loss(first, target), **inputs, **options)
    slopes = compute_gradient(lambda point: loss(point, target), first)
    yield single_result(f"{name}_gradient", slopes, **inputs, **options)
