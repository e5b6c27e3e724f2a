"""The engines of `tuilab.scratch` at work in the lab: forward and backward in plain Python.

Weights go to them as lists and their gradients come back as tensors. Only the derivative is
theirs: what follows the gradient (optimizer, penalties, limits) and what merely looks at the
network (validation, pictures) stays torch's, on the same weights. All is float64, in which both
agree to about 1e-15.
"""

from collections.abc import Callable, Iterator
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tuilab.engine.tasks.task import Task
from tuilab.lab.catalogue.losses import BCE, MSE, CrossEntropy, Loss
from tuilab.scratch import matrix, scalar

Rows = list[list[float]]


class Scratch(Task):
    """Classification and regression, learned by an engine written in plain Python."""

    def predict(self, inputs: Tensor) -> Tensor:
        """Outputs for prepared inputs."""
        return super().predict(inputs.double())

    def run(self, inputs: Tensor, part: nn.Module | None = None) -> Tensor:
        """The output of the network in training, by torch."""
        return cast(Tensor, (part or self.network)(inputs.double()))

    def backward(self, inputs: Tensor, wanted: Tensor, share: float) -> tuple[Tensor, Tensor]:
        """Add the gradients of a batch as plain Python has found them."""
        learn = ENGINES[self.experiment.training.engine]
        rows = inputs.flatten(1).double().tolist()
        try:
            loss, outputs, gradients = learn(
                self.network, self.experiment.loss, rows, self._asked(wanted).tolist()
            )
        except OverflowError:  # where torch would go on with infinity
            loss, outputs, gradients = torch.inf, [[torch.nan]] * len(rows), []
        for parameter, gradient in zip(_learned(self.network), gradients, strict=False):
            if parameter.requires_grad:
                new = share * parameter.new_tensor(gradient)
                parameter.grad = new if parameter.grad is None else parameter.grad + new
        return inputs.new_tensor(loss, dtype=torch.double), inputs.new_tensor(
            outputs, dtype=torch.double
        )

    def _asked(self, wanted: Tensor) -> Tensor:
        """What each output should be: [n, outputs]."""
        loss = self.experiment.loss
        if wanted.is_floating_point():
            return wanted.double()
        if isinstance(loss, BCE):
            return wanted[:, None].double()
        classes = len(self.dataset.classes)
        sure = F.one_hot(wanted, classes).double()
        smoothing = loss.label_smoothing if isinstance(loss, CrossEntropy) else 0.0
        return sure * (1 - smoothing) + smoothing / classes
