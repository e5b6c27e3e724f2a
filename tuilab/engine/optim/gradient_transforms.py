"""Penalties, noise and limits: what acts on gradients before a step and on weights after it."""

import torch
from torch import Tensor, nn

from tuilab.core.catalogue.regularization import Regularization


def penalize(weights: list[nn.Parameter], knobs: Regularization) -> Tensor | None:
    """Add the gradients of the l1 and l2 terms; their value, None without any.

    The terms act on weights that have a gradient: l1 · Σ|w| + l2 · Σw²∕2.
    """
    if not (knobs.l1 or knobs.l2):
        return None
    penalized = [p for p in weights if p.grad is not None]
    if not penalized:
        return None
    values = [p.detach() for p in penalized]
    gradients = [p.grad for p in penalized if p.grad is not None]
    total = values[0].new_zeros(())
    if knobs.l1:
        torch._foreach_add_(gradients, torch._foreach_sign(values), alpha=knobs.l1)
        total = total + knobs.l1 * torch.stack(torch._foreach_norm(values, 1)).sum()
    if knobs.l2:
        torch._foreach_add_(gradients, values, alpha=knobs.l2)
        total = total + knobs.l2 / 2 * torch.stack(torch._foreach_norm(values)).square().sum()
    return total


def disturb(parameters: list[nn.Parameter], knobs: Regularization, step: int) -> None:
    """Add noise to the gradients, of variance η ∕ (1 + step)^0.55 (Neelakantan and others 2015)."""
    if knobs.gradient_noise:
        spread = (knobs.gradient_noise / (1 + step) ** 0.55) ** 0.5
        for parameter in parameters:
            if parameter.grad is not None:
                parameter.grad.add_(torch.randn_like(parameter.grad), alpha=spread)


def limit(weights: list[nn.Parameter], knobs: Regularization) -> None:
    """Shorten the incoming weights of every unit that are longer than `max_norm`."""
    if knobs.max_norm:
        with torch.no_grad():
            for weight in weights:
                if weight.requires_grad:
                    weight.copy_(torch.renorm(weight, 2, 0, knobs.max_norm))
