"""Random inputs and the results of torch.optim for a few steps of each optimizer."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor

from tuilab.engine.grading.case import Case, Function, RandomInputs

LEARNING_RATES = (0.1, 0.1, 0.05, 0.2)
"""A changing learning rate shows whether the state holds the gradient or the step."""

Build = Callable[[list[Tensor]], torch.optim.Optimizer]

OPTIMIZERS: tuple[tuple[str, Build, dict[str, float]], ...] = (
    ("sgd", torch.optim.SGD, {}),
    ("momentum", partial(torch.optim.SGD, momentum=0.8), {"mu": 0.8}),
    ("nesterov", partial(torch.optim.SGD, momentum=0.8, nesterov=True), {"mu": 0.8}),
    ("rmsprop", partial(torch.optim.RMSprop, alpha=0.9, eps=0.05), {"alpha": 0.9, "eps": 0.05}),
    (
        "adam",
        partial(torch.optim.Adam, betas=(0.8, 0.95), eps=0.05),
        {"beta1": 0.8, "beta2": 0.95, "eps": 0.05},
    ),
    (
        "adamw",
        partial(torch.optim.AdamW, betas=(0.8, 0.95), eps=0.05, weight_decay=0.3),
        {"beta1": 0.8, "beta2": 0.95, "eps": 0.05, "decay": 0.3},
    ),
)


def cases(rng: RandomInputs) -> Iterator[Case]:
    """Yields each optimizer on a vector, then on a matrix."""
    for name, build, arguments in OPTIMIZERS:
        for shape in ((2,), (2, 3)):
            w = rng.normal(*shape)
            gradients = [_away_from_zero(rng.normal(*shape)) for _ in LEARNING_RATES]
            inputs = {"w": w, "gradients": gradients, "lr": list(LEARNING_RATES), **arguments}
            names = tuple(f"w after step {step}" for step in range(1, len(LEARNING_RATES) + 1))
            yield Case(name, inputs, _expected(build, w, gradients), names, _take_steps)


def _away_from_zero(gradient: Tensor) -> Tensor:
    """Moves a gradient away from zero, so that a mistake shows in every element."""
    return gradient + torch.where(gradient < 0, -0.2, 0.2)


def _expected(build: Build, w: Tensor, gradients: list[Tensor]) -> tuple[Tensor, ...]:
    weights = w.clone().requires_grad_()
    optimizer, after = build([weights]), []
    for gradient, lr in zip(gradients, LEARNING_RATES, strict=True):
        optimizer.param_groups[0]["lr"] = lr
        weights.grad = gradient.clone()
        optimizer.step()
        after.append(weights.detach().clone())
    return tuple(after)


def _take_steps(function: Function, inputs: dict[str, Any]) -> Any:
    """Takes all steps with one state; a result that is not a tensor ends them and is returned."""
    rest = dict(inputs)
    w, gradients, rates = rest.pop("w"), rest.pop("gradients"), rest.pop("lr")
    state: dict[str, Any] = {}
    after: list[Any] = []
    for gradient, lr in zip(gradients, rates, strict=True):
        w = function(w, gradient, state, lr, *rest.values())
        if not isinstance(w, Tensor):
            return [w] * len(rates)
        after.append(w.detach().clone())
    return after
