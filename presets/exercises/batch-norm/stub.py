"""Batch normalization, forward and backward.

x is (n, d); every feature (column) is normalized over the n examples:

    μ = mean of x        σ² = mean of (x − μ)²            (divided by n)
    x̂ = (x − μ) ∕ √(σ² + ε)                y = γ x̂ + β

In training the running averages move by `momentum`, the variance here divided by n − 1:

    running_mean ← (1 − momentum) running_mean + momentum μ
    running_var  ← (1 − momentum) running_var  + momentum σ² n ∕ (n − 1)

At inference the running averages take the place of μ and σ². Backward, in training:

    dβ = Σ dy        dγ = Σ dy ⊙ x̂        (sums over the examples)
    dx = γ ∕ √(σ² + ε) · (dy − mean of dy − x̂ ⊙ mean of (dy ⊙ x̂))
"""

import torch
from torch import Tensor


def forward_train(
    x: Tensor,
    gamma: Tensor,
    beta: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    momentum: float,
    eps: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return y, the new running mean and the new running variance."""
    raise NotImplementedError


def forward_eval(
    x: Tensor,
    gamma: Tensor,
    beta: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    eps: float,
) -> Tensor:
    """Return y at inference."""
    raise NotImplementedError


def backward(
    gradient: Tensor, x: Tensor, gamma: Tensor, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Return dx, dγ and dβ in training, from the gradient dy."""
    raise NotImplementedError
