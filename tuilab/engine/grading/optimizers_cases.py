"""Cases for the optimizers: a few steps, held against torch.optim."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor

from tuilab.engine.grading.case import Case, Draw, Function

RATES = (0.1, 0.1, 0.05, 0.2)
"""A learning rate that changes shows what is remembered with it."""

Build = Callable[[list[Tensor]], torch.optim.Optimizer]

EVERY: tuple[tuple[str, Build, dict[str, float]], ...] = (
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


def cases(draw: Draw) -> Iterator[Case]:
    """Each optimizer on a vector, then on a matrix."""
    for name, build, knobs in EVERY:
        for shape in ((2,), (2, 3)):
            w = draw.normal(*shape)
            gradients = [_sized(draw.normal(*shape)) for _ in RATES]
            inputs = {"w": w, "gradients": gradients, "lr": list(RATES), **knobs}
            names = tuple(f"w after step {step}" for step in range(1, len(RATES) + 1))
            yield Case(name, inputs, _steps(build, w, gradients), names, _play)


def _sized(gradient: Tensor) -> Tensor:
    """Away from zero, so that a formula's faults are seen in every element."""
    return gradient + torch.where(gradient < 0, -0.2, 0.2)


def _steps(build: Build, w: Tensor, gradients: list[Tensor]) -> tuple[Tensor, ...]:
    weights = w.clone().requires_grad_()
    optimizer, after = build([weights]), []
    for gradient, lr in zip(gradients, RATES, strict=True):
        optimizer.param_groups[0]["lr"] = lr
        weights.grad = gradient.clone()
        optimizer.step()
        after.append(weights.detach().clone())
    return tuple(after)


def _play(function: Function, inputs: dict[str, Any]) -> Any:
    """Take the steps with one state; what is not a tensor ends it, for the judge to see."""
    plain = dict(inputs)
    w, gradients, rates = plain.pop("w"), plain.pop("gradients"), plain.pop("lr")
    state: dict[str, Any] = {}
    after: list[Any] = []
    for gradient, lr in zip(gradients, rates, strict=True):
        w = function(w, gradient, state, lr, *plain.values())
        if not isinstance(w, Tensor):
            return [w] * len(rates)
        after.append(w.detach().clone())
    return after
