"""Backpropagation through a network of two layers.

    Z = X W₁ᵀ + b₁       H = tanh(Z)       Y = H W₂ᵀ + b₂
    L = mean over the n examples of ½ ‖y − t‖²

Unlike the worked example of the lesson, the output is linear and the loss is half the squared
error. Go back by the chain rule, and reuse what you have (⊙ is element by element):

    dY  = (Y − T) ∕ n
    dW₂ = dYᵀ H            db₂ = Σ over the examples of dY
    dH  = dY W₂            dZ  = dH ⊙ tanh′(Z) = dH ⊙ (1 − H²)
    dW₁ = dZᵀ X            db₁ = Σ over the examples of dZ

Shapes: x (n, d), w1 (h, d), b1 (h,), w2 (o, h), b2 (o,), target (n, o).
"""

import torch
from torch import Tensor


def forward(x: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor) -> tuple[Tensor, Tensor]:
    """Return H and Y."""
    raise NotImplementedError


def loss(y: Tensor, target: Tensor) -> Tensor:
    """Return L: half the squared distance, averaged over the examples; gives ()."""
    raise NotImplementedError


def backward(
    x: Tensor, target: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return dW₁, db₁, dW₂ and db₂, each in the shape of its parameter."""
    raise NotImplementedError
