"""Rosenblatt's perceptron rule, which learns from mistakes only."""

import torch
from torch import Tensor, nn

from tuilab.core.catalogue import tasks as catalogue
from tuilab.engine.tasks.task import Task, task, with_gradients


@task(catalogue.Perceptron)
class Perceptron(Task):
    """Trains by the perceptron rule (Rosenblatt 1958).

    The gradients are minus the rule's corrections, so that SGD with learning rate lr changes the
    weights by lr · (y − ŷ) · x, and everything else works as in other tasks.
    """

    def compute_loss(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the error rate [] and the outputs [batch, 1], each 0 or 1.

        The gradients of the loss are minus the mean corrections over the batch.

        inputs: [batch, features], targets: int64 [batch].
        """
        linear = next(module for module in self.network.modules() if isinstance(module, nn.Linear))
        with torch.no_grad():
            output = self.network(inputs)
            loss = self.loss(output, targets)
            mistakes = output - targets[:, None].to(output.dtype)  # ŷ − y: −1, 0 or 1
            gradients = {linear.weight: mistakes.T @ inputs / len(inputs)}
            if linear.bias is not None:
                gradients[linear.bias] = mistakes.mean(0)
        return with_gradients(loss, gradients), output
