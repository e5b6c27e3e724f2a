"""The learner's loss in a run: forward by their function, backward by their gradient."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from tuilab.core.catalogue import losses as catalogue
from tuilab.engine.learner_code.learner_functions import LearnerCode

EXTRA_ARGUMENTS = {"huber": (1.0,), "focal": (2.0,)}
"""The arguments of a function besides output and target: δ, and γ."""


class LearnerLoss:
    """The mean loss of an output, by the learner's function."""

    def __init__(self, config: catalogue.LearnerLoss) -> None:
        self._name, self._equivalent = config.function, config.equivalent
        self._code = LearnerCode("losses", "loss.name", "loss.function")

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        """Returns the loss [] of output [batch, outputs].

        target is int64 [batch] for classes, or float in the output's shape.
        """
        if isinstance(self._equivalent, catalogue.BCE):
            output, target = output.squeeze(1), target.to(output.dtype)
        elif not (
            isinstance(self._equivalent, catalogue.CrossEntropy) or target.is_floating_point()
        ):
            target = F.one_hot(target, output.shape[1]).to(output.dtype)
        loss: Tensor = _LossFunction.apply(output, target, self._code, self._name)  # type: ignore[no-untyped-call]
        return loss


class _LossFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, output: Tensor, target: Tensor, code: LearnerCode, name: str) -> Tensor:
        ctx.save_for_backward(output, target)
        ctx.code, ctx.name = code, name
        arguments = output, target, *EXTRA_ARGUMENTS.get(name, ())
        return code.call_single(name, *arguments, like=output.new_empty(()))

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        output, target = ctx.saved_tensors
        arguments = output, target, *EXTRA_ARGUMENTS.get(ctx.name, ())
        gradient = ctx.code.call_single(f"{ctx.name}_gradient", *arguments, like=output)
        return upstream * gradient, None, None, None
