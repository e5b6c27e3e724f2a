"""Cases for the activation functions and their derivatives."""

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from tuilab.engine.grading.case import Case, Draw, gradient, one

EVERY: dict[str, Callable[..., Tensor]] = {
    "step": lambda x: x.gt(0).float(),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": F.relu,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "selu": F.selu,
    "gelu": F.gelu,
    "silu": F.silu,
}
"""torch's own, by the name that the learner's has."""

KNOBS = {"leaky_relu": ("slope", 0.2), "elu": ("alpha", 0.5)}
"""An argument besides x, at another value than its default."""


def cases(draw: Draw) -> Iterator[Case]:
    """Each function and its derivative: few numbers, many, zero, and very large ones."""
    for name, function in EVERY.items():
        x = draw.normal(4)
        inputs = (
            torch.cat([x.abs() + 0.3, -x.abs() - 0.3])[::3].contiguous(),
            torch.cat([draw.normal(11, scale=2.0), torch.zeros(1)]).reshape(3, 4),
            torch.tensor([-100.0, -20.0, 20.0, 100.0]),
        )
        for x in inputs:
            yield one(name, function(x), x=x)
        if name in KNOBS:
            knob, value = KNOBS[name]
            yield one(name, function(inputs[1], value), x=inputs[1], **{knob: value})
        for x in inputs:
            yield one(f"{name}_derivative", gradient(function, x), x=x)
        if name in KNOBS:
            turned = partial(_turned, function, value)
            slopes = gradient(turned, inputs[1])
            yield one(f"{name}_derivative", slopes, x=inputs[1], **{knob: value})
    yield from _softmax(draw)


def _turned(function: Callable[..., Tensor], value: float, x: Tensor) -> Tensor:
    return function(x, value)


def _softmax_of(row: int, x: Tensor) -> Tensor:
    return torch.softmax(x, dim=-1)[row]


def _softmax(draw: Draw) -> Iterator[Case]:
    large = torch.tensor([[100.0, 99.0, 0.0], [-100.0, -101.0, -99.0]])
    for x in (draw.normal(3, 3), draw.normal(2, 4), large):
        yield one("softmax", torch.softmax(x, dim=-1), x=x)
    for x in (draw.normal(3), draw.normal(5)):
        rows = [gradient(partial(_softmax_of, row), x) for row in range(len(x))]
        jacobian = torch.stack(rows)
        yield one("softmax_derivative", jacobian, x=x)
