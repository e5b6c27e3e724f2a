"""One call of the learner's function: random inputs, and what torch says comes out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

Function = Callable[..., Any]


def call(function: Function, inputs: dict[str, Any]) -> Any:
    """Call it once; names of arguments are the learner's own, so they go by place."""
    return function(*inputs.values())


@dataclass(frozen=True)
class Case:
    """A function's inputs by name, and the right result."""

    function: str
    inputs: dict[str, Any]
    expected: tuple[Tensor, ...]
    outputs: tuple[str, ...] = ("",)
    "What the results are called, where there are several."
    play: Callable[[Function, dict[str, Any]], Any] = call
    "How the function is called, where once is not enough."


def one(function: str, expected: Tensor, /, **inputs: Any) -> Case:
    """A case with a single result."""
    return Case(function, inputs, (expected.detach(),))


class Draw:
    """Random inputs that a seed repeats."""

    def __init__(self, seed: int) -> None:
        self._generator = torch.Generator().manual_seed(seed)

    def normal(self, *shape: int, scale: float = 1.0) -> Tensor:
        """Normal numbers, rounded so that a person can follow them."""
        return (torch.randn(shape, generator=self._generator) * scale * 100).round() / 100

    def uniform(self, *shape: int) -> Tensor:
        """Numbers in [0, 1)."""
        return torch.rand(shape, generator=self._generator)

    def whole(self, below: int, *shape: int) -> Tensor:
        """Whole numbers from 0."""
        return torch.randint(below, shape, generator=self._generator)

    def binary(self, *shape: int) -> Tensor:
        """Zeros and ones, as floats."""
        return self.whole(2, *shape).float()


def gradient(loss: Callable[[Tensor], Tensor], at: Tensor) -> Tensor:
    """What autograd says the gradient of a function is."""
    point = at.clone().requires_grad_()
    total = loss(point).sum()
    if not total.requires_grad:
        return torch.zeros_like(at)
    (found,) = torch.autograd.grad(total, point)
    return found
