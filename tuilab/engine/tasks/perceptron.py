"""Rosenblatt's rule: no gradient, only the mistakes."""

import torch
from torch import Tensor, nn

from tuilab.engine.tasks.task import Task


class Perceptron(Task):
    """Learns by the perceptron rule (Rosenblatt 1958).

    What it writes into `grad` is minus the rule's correction, so that SGD with learning rate lr
    moves the weights by lr · (y − ŷ) · x, and everything else of the lab works as ever.
    """

    def forward(self, inputs: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
        """The share of mistakes, and the answers: 0 or 1, [n, 1]."""
        with torch.no_grad():
            answers = self.network(inputs)
            return self.loss(answers, wanted), answers

    def backward(self, inputs: Tensor, wanted: Tensor, share: float) -> tuple[Tensor, Tensor]:
        """Write the mean correction over a batch where gradients would be."""
        loss, answers = self.forward(inputs, wanted)
        linear = next(module for module in self.network.modules() if isinstance(module, nn.Linear))
        mistakes = answers - wanted[:, None].to(answers.dtype)  # ŷ − y: −1, 0 or 1
        corrections = {linear.weight: mistakes.T @ inputs / len(inputs)}
        if linear.bias is not None:
            corrections[linear.bias] = mistakes.mean(0)
        for parameter, correction in corrections.items():
            before = 0 if parameter.grad is None else parameter.grad
            parameter.grad = before + correction * share
        return loss, answers
