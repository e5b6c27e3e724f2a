"""Regularization of a step: penalties and noise on the gradients, norm limits on the weights."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvTransposeNd

from tuilab.core.catalogue.regularization import Regularization


def penalize(weights: list[nn.Parameter], config: Regularization) -> Tensor | None:
    """Adds the gradients of l1 · Σ|w| + l2 · Σw²∕2 to those of the weights that have one.

    Returns: the value of both terms, [], or None where there is no penalty.
    """
    if not (config.l1 or config.l2):
        return None
    penalized = [p for p in weights if p.grad is not None]
    if not penalized:
        return None
    values = [p.detach() for p in penalized]
    gradients = [p.grad for p in penalized if p.grad is not None]
    total = values[0].new_zeros(())
    if config.l1:
        torch._foreach_add_(gradients, torch._foreach_sign(values), alpha=config.l1)
        total = total + config.l1 * torch.stack(torch._foreach_norm(values, 1)).sum()
    if config.l2:
        torch._foreach_add_(gradients, values, alpha=config.l2)
        total = total + config.l2 / 2 * torch.stack(torch._foreach_norm(values)).square().sum()
    return total


def add_gradient_noise(parameters: list[nn.Parameter], config: Regularization, step: int) -> None:
    """Adds noise of variance η ∕ (1 + step)^0.55 to the gradients (Neelakantan et al. 2015)."""
    if config.gradient_noise:
        std = (config.gradient_noise / (1 + step) ** 0.55) ** 0.5
        for parameter in parameters:
            if parameter.grad is not None:
                parameter.grad.add_(torch.randn_like(parameter.grad), alpha=std)


def clamp_weight_norms(
    weights: list[nn.Parameter], config: Regularization, groups: Mapping[nn.Parameter, int]
) -> None:
    """Scales down the incoming weights of every unit whose norm exceeds `max_norm`, in place.

    Args:
        weights: [units, ...] each, but kernels of transposed convolutions are
            [inputs, units ∕ groups, ...].
        groups: the groups of those kernels, from `find_transposed`.
    """
    if config.max_norm:
        with torch.no_grad():
            for weight in weights:
                if weight.requires_grad:
                    for units in _split_by_group(weight, groups.get(weight, 0)):
                        units.copy_(torch.renorm(units, 2, 0, config.max_norm))


def find_transposed(network: nn.Module) -> dict[nn.Parameter, int]:
    """Returns the kernels of transposed convolutions, with their number of groups."""
    transposed = (m for m in network.modules() if isinstance(m, _ConvTransposeNd))
    return {m.weight: m.groups for m in transposed if isinstance(m.weight, nn.Parameter)}


def _split_by_group(weight: Tensor, groups: int) -> list[Tensor]:
    """Returns views whose first axis are the units: the weight itself unless it has groups."""
    if not groups:
        return [weight]
    return [part.transpose(0, 1) for part in weight.chunk(groups)]
