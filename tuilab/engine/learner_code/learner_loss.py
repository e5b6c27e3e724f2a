"""The learner's own loss: forward by their function, and back by their gradient."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from tuilab.core.catalogue.losses import BCE, CrossEntropy
from tuilab.core.catalogue.losses import Own as Knobs
from tuilab.engine.learner_code.learner_functions import Code

OTHERS = {"huber": (1.0,), "focal": (2.0,)}
"""What a function takes besides outputs and targets: δ, and γ."""


class LearnerLoss:
    """Mean loss of outputs for targets: classes as int64, numbers as floats."""

    def __init__(self, knobs: Knobs) -> None:
        self._name, self._like = knobs.function, knobs.like
        self._code = Code("losses", "loss.name", "loss.function")

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        """The mean, as the learner's function has it."""
        given, wanted = output, target
        if isinstance(self._like, BCE):
            given, wanted = output.squeeze(1), target.to(output.dtype)
        elif not (isinstance(self._like, CrossEntropy) or target.is_floating_point()):
            wanted = F.one_hot(target, output.shape[1]).to(output.dtype)
        mean: Tensor = _Follow.apply(given, wanted, self._code, self._name)  # type: ignore[no-untyped-call]
        return mean


class _Follow(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, output: Tensor, target: Tensor, code: Code, name: str) -> Tensor:
        ctx.save_for_backward(output, target)
        ctx.code, ctx.name = code, name
        return code.one(name, output, target, *OTHERS.get(name, ()), like=output.new_empty(()))

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        output, target = ctx.saved_tensors
        others = OTHERS.get(ctx.name, ())
        gradient = ctx.code.one(f"{ctx.name}_gradient", output, target, *others, like=output)
        return upstream * gradient, None, None, None
