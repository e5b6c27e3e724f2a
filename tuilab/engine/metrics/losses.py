"""Losses as functions of (output, target), and what an output says of the classes."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, cat

from tuilab.core.catalogue.losses import (
    BCE,
    KL,
    L1,
    MSE,
    CrossEntropy,
    Focal,
    Hinge,
    Huber,
    Loss,
    Own,
    ZeroOne,
    meaning,
    smoothed_entropy,
)
from tuilab.engine.data.dataset import IGNORED
from tuilab.engine.learner_code.learner_loss import LearnerLoss as OwnLoss

LossFunction = Callable[[Tensor, Tensor], Tensor]
"""Mean loss of outputs for targets: classes as int64, numbers as floats of the output's shape."""


def flat(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Positions as examples of their own, without those that are not asked for.

    [n, *positions, C] and [n, *positions] become [m, C] and [m]; others stay as they are.
    """
    if target.is_floating_point() or target.dim() < 2:
        return output, target
    output, target = output.flatten(0, -2), target.flatten()
    asked = target != IGNORED
    return (output, target) if asked.all() else (output[asked], target[asked])


# --- one function a loss ------------------------------------------------------------------------


def _cross_entropy(loss: CrossEntropy, weight: Tensor | None) -> LossFunction:
    def mean(output: Tensor, target: Tensor) -> Tensor:
        if target.dim() > 1:  # reshaped rather than selected: no look at the device
            output, target = output.flatten(0, -2), target.flatten()
        given = None if weight is None else weight.to(output)
        return F.cross_entropy(output, target, given, label_smoothing=loss.label_smoothing)

    return mean


def _bce(loss: BCE, weight: Tensor | None) -> LossFunction:
    def mean(output: Tensor, target: Tensor) -> Tensor:
        more = None if loss.pos_weight == 1 else output.new_tensor(loss.pos_weight)
        return F.binary_cross_entropy_with_logits(
            output.squeeze(1), target.to(output.dtype), pos_weight=more
        )

    return mean


def _mse(loss: MSE, weight: Tensor | None) -> LossFunction:
    def mean(output: Tensor, target: Tensor) -> Tensor:
        if target.is_floating_point():
            return F.mse_loss(output, target)
        output, target = flat(output, target)
        return F.mse_loss(output, F.one_hot(target, output.shape[1]).to(output.dtype))

    return mean


def _l1(loss: L1, weight: Tensor | None) -> LossFunction:
    return F.l1_loss


def _huber(loss: Huber, weight: Tensor | None) -> LossFunction:
    return lambda output, target: F.huber_loss(output, target, delta=loss.delta)


def _focal(loss: Focal, weight: Tensor | None) -> LossFunction:
    def mean(output: Tensor, target: Tensor) -> Tensor:
        output, target = flat(output, target)
        surprise = F.cross_entropy(output, target, reduction="none")
        return ((1 - (-surprise).exp()) ** loss.gamma * surprise).mean()

    return mean


def _hinge(loss: Hinge, weight: Tensor | None) -> LossFunction:
    def mean(output: Tensor, target: Tensor) -> Tensor:
        output, target = flat(output, target)
        if output.shape[1] == 1:
            side = 2 * target.to(output.dtype) - 1
            return (loss.margin - side * output[:, 0]).relu().mean()
        return F.multi_margin_loss(output, target, margin=loss.margin)

    return mean


def _kl(loss: KL, weight: Tensor | None) -> LossFunction:
    def mean(output: Tensor, target: Tensor) -> Tensor:
        output, target = flat(output, target)
        surprise = F.cross_entropy(output, target, label_smoothing=loss.label_smoothing)
        return surprise - smoothed_entropy(loss.label_smoothing, output.shape[1])

    return mean


def _zero_one(loss: ZeroOne, weight: Tensor | None) -> LossFunction:
    return lambda output, target: (predicted(output) != target).float().mean()


def _own(loss: Own, weight: Tensor | None) -> LossFunction:
    return OwnLoss(loss)


FUNCTIONS: dict[type[Loss], Callable[[Any, Tensor | None], LossFunction]] = {
    CrossEntropy: _cross_entropy,
    BCE: _bce,
    MSE: _mse,
    L1: _l1,
    Huber: _huber,
    Focal: _focal,
    Hinge: _hinge,
    KL: _kl,
    ZeroOne: _zero_one,
    Own: _own,
}


def function(loss: Loss, weight: Tensor | None = None) -> LossFunction:
    """What training follows down.

    Args:
        weight: how much each class counts, see `class_weights`.
    """
    return FUNCTIONS[type(loss)](loss, weight)


def class_weights(loss: Loss, targets: Tensor, classes: int) -> Tensor | None:
    """How much each class counts, [classes], on the device of the targets; None: all the same.

    Balanced weights are those that give every class the same sum over the training examples:
    examples ∕ (classes · examples of the class).
    """
    if not isinstance(loss, CrossEntropy):
        return None
    if loss.weight:
        return torch.tensor(loss.weight, device=targets.device)
    if not loss.balanced:
        return None
    counts = torch.bincount(targets[targets != IGNORED].flatten(), minlength=classes).float()
    return counts.sum() / (len(counts) * counts.clamp(min=1))


def evaluation(loss: Loss) -> LossFunction:
    """What is measured on examples that are not trained on: without smoothing and weights."""
    if isinstance(loss, CrossEntropy):
        loss = CrossEntropy()
    elif isinstance(loss, KL):
        loss = KL(label_smoothing=0.0)
    elif isinstance(loss, BCE):
        loss = BCE()
    return FUNCTIONS[type(loss)](loss, None)


# --- what an output says ------------------------------------------------------------------------


def probabilities(loss: Loss, output: Tensor) -> Tensor:
    """How sure the network is of each class: [n, classes], rows sum to about 1."""
    if output.shape[1] == 1:
        second = output if isinstance(loss, ZeroOne) else output.sigmoid()
        return cat([1 - second, second], dim=1)
    if isinstance(meaning(loss), MSE):
        return output.clamp(0, 1)
    return output.softmax(dim=1)


def predicted(output: Tensor) -> Tensor:
    """The most likely class of each example: int64 [n]; a single logit decides by its sign."""
    if output.shape[-1] == 1:
        return (output[..., 0] > 0).long()
    return output.argmax(dim=-1)
