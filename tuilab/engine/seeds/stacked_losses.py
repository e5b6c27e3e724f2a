"""The loss of each of several networks, at once."""

from inspect import signature

import torch
from torch import Tensor

from tuilab.core.catalogue.losses import Loss
from tuilab.engine.metrics.losses import LOSSES, LossFunction, build_loss


def has_stacked_form(config: Loss) -> bool:
    """Returns whether a loss is a function of output and target alone, as all but own ones are."""
    return not isinstance(LOSSES[type(config)], type)


def build_stacked_loss(config: Loss) -> LossFunction:
    """Returns the function from outputs and targets, [nets, batch, …], to mean losses [nets].

    The sum of these has the gradient of each network's own loss, since no two share a parameter.
    """
    implementation, mapped = LOSSES[type(config)], torch.func.vmap(build_loss(config))
    is_mean_of_values = "reduction" in signature(implementation).parameters

    def compute(outputs: Tensor, targets: Tensor) -> Tensor:
        has_positions = targets.dim() > 2 and not targets.is_floating_point()
        if has_positions or not is_mean_of_values:  # ignored positions do not count in the mean
            losses: Tensor = mapped(outputs, targets)
            return losses
        flat = outputs.flatten(0, 1), targets.flatten(0, 1)
        values: Tensor = implementation(config, *flat, reduction="none")
        return values.view(len(outputs), -1).mean(1)

    return compute
