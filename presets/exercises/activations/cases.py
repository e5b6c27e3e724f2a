"""Random inputs and torch's results for the activation functions and their derivatives."""

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from tuilab.engine.grading.case import Case, RandomInputs, compute_gradient, single_result

ACTIVATIONS: dict[str, Callable[..., Tensor]] = {
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
"""torch's function by the name of the learner's."""

EXTRA_ARGUMENTS = {"leaky_relu": ("slope", 0.2), "elu": ("alpha", 0.5)}
"""An argument besides x, and a value that is not its default."""


def cases(rng: RandomInputs) -> Iterator[Case]:
    """Yields each function and its derivative on few numbers, many, zero, and very large ones."""
    for name, function in ACTIVATIONS.items():
        x = rng.normal(4)
        tensors = (
            torch.cat([x.abs() + 0.3, -x.abs() - 0.3])[::3].contiguous(),
            torch.cat([rng.normal(11, scale=2.0), torch.zeros(1)]).reshape(3, 4),
            torch.tensor([-100.0, -20.0, 20.0, 100.0]),
        )
        for x in tensors:
            yield single_result(name, function(x), x=x)
        if name in EXTRA_ARGUMENTS:
            argument, value = EXTRA_ARGUMENTS[name]
            yield single_result(
                name, function(tensors[1], value), x=tensors[1], **{argument: value}
            )
        for x in tensors:
            yield single_result(f"{name}_derivative", compute_gradient(function, x), x=x)
        if name in EXTRA_ARGUMENTS:
            with_value = partial(_with_argument, function, value)
            slopes = compute_gradient(with_value, tensors[1])
            yield single_result(f"{name}_derivative", slopes, x=tensors[1], **{argument: value})
    yield from _softmax(rng)


def _with_argument(function: Callable[..., Tensor], value: float, x: Tensor) -> Tensor:
    return function(x, value)


def _softmax_of(row: int, x: Tensor) -> Tensor:
    return torch.softmax(x, dim=-1)[row]


def _softmax(rng: RandomInputs) -> Iterator[Case]:
    large = torch.tensor([[100.0, 99.0, 0.0], [-100.0, -101.0, -99.0]])
    for x in (rng.normal(3, 3), rng.normal(2, 4), large):
        yield single_result("softmax", torch.softmax(x, dim=-1), x=x)
    for x in (rng.normal(3), rng.normal(5)):
        rows = [compute_gradient(partial(_softmax_of, row), x) for row in range(len(x))]
        jacobian = torch.stack(rows)
        yield single_result("softmax_derivative", jacobian, x=x)
