"""Losses as functions of (output, target), and what an output says of the classes."""

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, cat

from tuilab.lab.catalogue.losses import BCE, MSE, CrossEntropy, Loss

LossFunction = Callable[[Tensor, Tensor], Tensor]


def _bce(output: Tensor, target: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(output.squeeze(1), target.to(output.dtype))


def _mse(output: Tensor, target: Tensor) -> Tensor:
    if target.is_floating_point():
        return F.mse_loss(output, target)
    return F.mse_loss(output, F.one_hot(target, output.shape[1]).to(output.dtype))


FUNCTIONS: dict[type[Loss], LossFunction] = {
    CrossEntropy: F.cross_entropy,
    BCE: _bce,
    MSE: _mse,
}


def function(loss: Loss) -> LossFunction:
    """The mean loss over a batch; classes come as int64 [n], targets as float [n, outputs]."""
    return FUNCTIONS[type(loss)]


def probabilities(loss: Loss, output: Tensor) -> Tensor:
    """How sure the network is of each class: [n, classes], rows sum to about 1."""
    if isinstance(loss, BCE):
        second = output.sigmoid()
        return cat([1 - second, second], dim=1)
    if isinstance(loss, MSE):
        return output.clamp(0, 1)
    return output.softmax(dim=1)


def predicted(output: Tensor) -> Tensor:
    """The most likely class of each example: int64 [n]; a single logit decides by its sign."""
    if output.shape[1] == 1:
        return (output[:, 0] > 0).long()
    return output.argmax(dim=1)
