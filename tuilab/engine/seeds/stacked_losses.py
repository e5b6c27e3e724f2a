"""The loss of each of several networks, at once."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from tuilab.core.catalogue import losses as catalogue
from tuilab.core.catalogue.losses import Loss
from tuilab.engine.metrics.losses import LossFunction, build_loss


def build_stacked_loss(config: Loss) -> LossFunction:
    """Returns the function from outputs and targets, [nets, batch, …], to mean losses [nets].

    The sum of these has the gradient of each network's own loss, since no two share a parameter.
    """
    per_value, mapped = PER_VALUE.get(type(config)), torch.func.vmap(build_loss(config))

    def compute(outputs: Tensor, targets: Tensor) -> Tensor:
        if per_value is None or (targets.dim() > 2 and not targets.is_floating_point()):
            losses: Tensor = mapped(outputs, targets)
            return losses
        values = per_value(config, outputs.flatten(0, 1), targets.flatten(0, 1))
        means: Tensor = values.view(len(outputs), -1).mean(1)
        return means

    return compute


def _cross_entropy(config: Any, output: Tensor, target: Tensor) -> Tensor:
    smoothing = config.label_smoothing
    return F.cross_entropy(output, target, reduction="none", label_smoothing=smoothing)


def _logits(config: Any, output: Tensor, target: Tensor) -> Tensor:
    pos_weight = None if config.pos_weight == 1 else output.new_tensor(config.pos_weight)
    target = target.to(output.dtype).view_as(output)
    return F.binary_cross_entropy_with_logits(
        output, target, pos_weight=pos_weight, reduction="none"
    )


def _mean_squared(config: Any, output: Tensor, target: Tensor) -> Tensor:
    if not target.is_floating_point():
        target = F.one_hot(target, output.shape[1]).to(output.dtype)
    return F.mse_loss(output, target, reduction="none")


def _hinge(config: Any, output: Tensor, target: Tensor) -> Tensor:
    if output.shape[1] == 1:
        sign = 2 * target.to(output.dtype) - 1
        distance: Tensor = config.margin - sign * output[:, 0]
        return distance.relu()
    values: Tensor = F.multi_margin_loss(output, target, margin=config.margin, reduction="none")
    return values


PER_VALUE: dict[type[Loss], Callable[[Any, Tensor, Tensor], Tensor]] = {
    catalogue.CrossEntropy: _cross_entropy,
    catalogue.SoftCrossEntropy: lambda config, output, target: _cross_entropy(
        config, output, target.to(output.dtype)
    ),
    catalogue.BCE: _logits,
    catalogue.MultiLabelBCE: _logits,
    catalogue.MSE: _mean_squared,
    catalogue.Hinge: _hinge,
    catalogue.L1: lambda _, output, target: F.l1_loss(output, target, reduction="none"),
    catalogue.Huber: lambda config, output, target: F.huber_loss(
        output, target, delta=config.delta, reduction="none"
    ),
    catalogue.SmoothL1: lambda config, output, target: F.smooth_l1_loss(
        output, target, beta=config.beta, reduction="none"
    ),
}
"""Losses that are a mean of values, each of one example: [examples, …] to [examples, …].

Targets are one class for each example, or numbers; without weights of classes.
"""
