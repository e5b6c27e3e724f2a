"""The optimizer of several networks at once, and what is done to their gradients before it."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

from tuilab.core.catalogue.optimizers import Optimizer
from tuilab.core.catalogue.regularization import Regularization
from tuilab.engine.optim import build_optimizer
from tuilab.engine.optim.parameter_groups import ParameterGroups


def build_stacked_optimizer(
    config: Optimizer, groups: ParameterGroups, stacked: Mapping[Parameter, Parameter]
) -> torch.optim.Optimizer:
    """Returns the optimizer of stacked parameters, in the groups of the first network's."""
    return build_optimizer.build_for(config, groups.replace(stacked))


def copy_optimizer_state(
    source: torch.optim.Optimizer, pairs: Sequence[tuple[Parameter, Parameter]], net: int,
    target: torch.optim.Optimizer,
) -> None:  # fmt: skip
    """Gives the optimizer of one network its part of the stacked state.

    Args:
        pairs: each stacked parameter with that of the network.
    """
    for stacked, parameter in pairs:
        if state := source.state.get(stacked):
            target.state[parameter] = {
                name: _select(value, stacked.shape, net) for name, value in state.items()
            }


def _select(value: Any, shape: torch.Size, net: int) -> Any:
    if not isinstance(value, Tensor):
        return value
    return value[net].clone() if value.shape == shape else value.clone()


def penalize_each(weights: Sequence[Parameter], config: Regularization) -> Tensor | None:
    """Adds the gradients of l1 · Σ|w| + l2 · Σw²∕2; returns both terms of each network, [nets].

    Returns None where there is no penalty. See `gradient_transforms.penalize`.
    """
    if not (config.l1 or config.l2):
        return None
    total: Tensor | None = None
    for weight in weights:
        if weight.grad is None:
            continue
        values = weight.detach()
        rows = values.flatten(1)
        term = config.l1 * rows.abs().sum(1) + config.l2 / 2 * rows.square().sum(1)
        total = term if total is None else total + term
        if config.l1:
            weight.grad.add_(values.sign(), alpha=config.l1)
        if config.l2:
            weight.grad.add_(values, alpha=config.l2)
    return total


def clip_each(parameters: Sequence[Parameter], max_norm: float, max_value: float) -> None:
    """Clips the gradients by value, then those of each network by their common norm; 0: not."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if max_value:
        for gradient in gradients:
            gradient.clamp_(-max_value, max_value)
    if max_norm:
        total = row_norms(row_norms(gradients).T.contiguous()[None])[0]
        share = (max_norm / (total + 1e-6)).clamp(max=1.0)
        for gradient in gradients:
            gradient.mul_(share.view(-1, *(1,) * (gradient.dim() - 1)))


def row_norms(tensors: Sequence[Tensor] | Tensor) -> Tensor:
    """Returns the norm of each network's part of tensors [nets, …]: [tensors, nets]."""
    return torch.stack([torch.linalg.vector_norm(one.flatten(1), dim=1) for one in tensors])


def clamp_each_norm(weights: Sequence[Parameter], max_norm: float) -> None:
    """Scales down the incoming weights of units of [nets, units, …] beyond this norm; 0: not."""
    if max_norm:
        with torch.no_grad():
            for weight in weights:
                units = weight.flatten(0, 1)
                units.copy_(torch.renorm(units, 2, 0, max_norm))
