"""Cases for the losses and their gradients."""

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from tuilab.engine.grading.case import Case, Draw, gradient, one

LARGE = torch.tensor([100.0, -100.0, 2.0, -1.0])
"""Logits of a network that is sure; the first two with the wrong targets."""


def cases(draw: Draw) -> Iterator[Case]:
    """Each loss and its gradient on batches of several sizes."""
    for n, outputs in ((3, 2), (4, 3)):
        yield from _both("mse", F.mse_loss, draw.normal(n, outputs), draw.normal(n, outputs))
    bce = F.binary_cross_entropy_with_logits
    yield from _both("bce", bce, draw.normal(3, scale=2), torch.tensor([1.0, 0.0, 1.0]))
    yield from _both("bce", bce, draw.normal(8, scale=2), draw.binary(8))
    yield from _both("bce", bce, LARGE, torch.tensor([0.0, 1.0, 1.0, 0.0]))
    for n, classes in ((2, 3), (6, 4)):
        yield from _both("cross_entropy", F.cross_entropy, draw.normal(n, classes, scale=2),
                         draw.whole(classes, n))  # fmt: skip
    sure = torch.tensor([[100.0, 0.0, -100.0], [1.0, 100.0, 99.0]])
    yield from _both("cross_entropy", F.cross_entropy, sure, torch.tensor([0, 2]))
    yield from _huber(draw)
    for n, gamma in ((3, 2.0), (8, 0.5), (6, 3.0)):
        focal = partial(_focal, gamma=gamma)
        yield from _both("focal", focal, draw.normal(n), draw.binary(n), gamma=gamma)


def _huber(draw: Draw) -> Iterator[Case]:
    """Small and large errors of both signs in every batch."""
    for n, delta in ((4, 0.5), (6, 2.0)):
        errors = torch.tensor([0.4, -0.4, 1.7, -1.9, 0.1, 3.0][:n]) * delta
        target = draw.normal(n)
        huber = partial(F.huber_loss, delta=delta)
        yield from _both("huber", huber, target + errors, target, delta=delta)


def _focal(logits: Tensor, target: Tensor, gamma: float) -> Tensor:
    """Lin et al. 2017, without the weight of the classes."""
    loss = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return ((1 - torch.exp(-loss)) ** gamma * loss).mean()


def _both(
    name: str, loss: Callable[..., Tensor], first: Tensor, target: Tensor, **knobs: float
) -> Iterator[Case]:
    """The loss, and what autograd says its gradient is."""
    places = {("logits" if target.dim() < first.dim() else "prediction"): first, "target": target}
    if name in ("bce", "focal"):
        places = {"logits": first, "target": target}
    yield one(name, loss(first, target), **places, **knobs)
    slopes = gradient(lambda point: loss(point, target), first)
    yield one(f"{name}_gradient", slopes, **places, **knobs)
