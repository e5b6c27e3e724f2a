"""Random inputs and torch's results for backpropagation through two layers."""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

from tuilab.engine.grading.case import Case, RandomInputs, single_result

GRADIENTS = ("dW1", "db1", "dW2", "db2")


def cases(rng: RandomInputs) -> Iterator[Case]:
    """Yields networks of equal sizes first, where no shape reveals a missing transpose."""
    for n, d, h, o in ((2, 2, 2, 2), (3, 3, 3, 3), (5, 2, 4, 3)):
        x, target = rng.normal(n, d), rng.normal(n, o)
        parameters = [rng.normal(h, d), rng.normal(h), rng.normal(o, h), rng.normal(o)]
        weights = dict(zip(("w1", "b1", "w2", "b2"), parameters, strict=True))
        hidden, y = _forward(x, *parameters)
        yield Case("forward", {"x": x, **weights}, (hidden, y), ("H", "Y"))
        yield single_result("loss", _loss(y, target), y=y, target=target)
        inputs = {"x": x, "target": target, **weights}
        yield Case("backward", inputs, _gradients(x, target, parameters), GRADIENTS)


def _forward(x: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor) -> tuple[Tensor, Tensor]:
    hidden = torch.tanh(F.linear(x, w1, b1))
    return hidden, F.linear(hidden, w2, b2)


def _loss(y: Tensor, target: Tensor) -> Tensor:
    return F.mse_loss(y, target, reduction="sum") / (2 * len(y))


def _gradients(x: Tensor, target: Tensor, parameters: list[Tensor]) -> tuple[Tensor, ...]:
    points = [parameter.clone().requires_grad_() for parameter in parameters]
    _, y = _forward(x, *points)
    return torch.autograd.grad(_loss(y, target), points)
