"""A case: one call of a learner's function, with random inputs and torch's result."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

Function = Callable[..., Any]


def call_once(function: Function, inputs: dict[str, Any]) -> Any:
    """Calls a function with positional arguments: the learner may name them differently."""
    return function(*inputs.values())


@dataclass(frozen=True)
class Case:
    """A function's inputs by name, and the right results."""

    function: str
    inputs: dict[str, Any]
    expected: tuple[Tensor, ...]
    outputs: tuple[str, ...] = ("",)
    "The names of the results, where there are several."
    run: Callable[[Function, dict[str, Any]], Any] = call_once
    "How the function is called, where one call is not enough."


def single_result(function: str, expected: Tensor, /, **inputs: Any) -> Case:
    """Returns a case whose only result is `expected`, of any shape."""
    return Case(function, inputs, (expected.detach(),))


class RandomInputs:
    """A source of random tensors on the CPU; the same seed draws the same ones."""

    def __init__(self, seed: int) -> None:
        self._generator = torch.Generator().manual_seed(seed)

    def normal(self, *shape: int, scale: float = 1.0) -> Tensor:
        """Draws float32 [*shape] from N(0, scale²), rounded to two places to be easy to read."""
        return (torch.randn(shape, generator=self._generator) * scale * 100).round() / 100

    def uniform(self, *shape: int) -> Tensor:
        """Draws float32 [*shape] from [0, 1)."""
        return torch.rand(shape, generator=self._generator)

    def integers(self, high: int, *shape: int) -> Tensor:
        """Draws int64 [*shape] from 0 to high − 1."""
        return torch.randint(high, shape, generator=self._generator)

    def binary(self, *shape: int) -> Tensor:
        """Draws float32 [*shape] of zeros and ones."""
        return self.integers(2, *shape).float()


def compute_gradient(function: Callable[[Tensor], Tensor], point: Tensor) -> Tensor:
    """Returns autograd's gradient of the sum of `function`, in the shape of `point` [*shape].

    It is zero where the function does not depend on its input.
    """
    point = point.clone().requires_grad_()
    total = function(point).sum()
    if not total.requires_grad:
        return torch.zeros_like(point)
    (gradient,) = torch.autograd.grad(total, point)
    return gradient
