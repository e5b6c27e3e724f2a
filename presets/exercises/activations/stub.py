"""Activation functions and their derivatives.

Each takes a tensor of any shape and works on every element; each derivative takes the input x
of its function, not the output. Use +, ×, exp, erf, where …; all but softmax are one line.

    step(x)       1 for x > 0, else 0           its derivative is 0 everywhere
    sigmoid(x)    1 ∕ (1 + e⁻ˣ)                 σ (1 − σ)
    tanh(x)       (eˣ − e⁻ˣ) ∕ (eˣ + e⁻ˣ)       1 − tanh²
    relu(x)       x for x > 0, else 0           1 for x > 0, else 0
    leaky_relu    x for x > 0, else 0.01 x
    elu(x)        x for x > 0, else α (eˣ − 1)
    selu(x)       λ elu(x, α) with the λ and α below
    gelu(x)       x Φ(x), with Φ(x) = ½ (1 + erf(x ∕ √2)); Φ′(x) = e^(−x²∕2) ∕ √(2π)
    silu(x)       x σ(x)
    softmax(x)ᵢ   eˣⁱ ∕ Σⱼ eˣʲ over the last axis

Inputs as large as ±100 are tried: nothing may become NaN or infinite.
"""

import torch
from torch import Tensor

LAMBDA = 1.0507009873554805
ALPHA = 1.6732632423543772


def step(x: Tensor) -> Tensor:
    """Return 1.0 where x > 0, else 0.0."""
    raise NotImplementedError


def step_derivative(x: Tensor) -> Tensor:
    """Return 0 everywhere: this is why gradients cannot train a step."""
    raise NotImplementedError


def sigmoid(x: Tensor) -> Tensor:
    """Return σ(x), between 0 and 1."""
    raise NotImplementedError


def sigmoid_derivative(x: Tensor) -> Tensor:
    """Return σ′(x), at most ¼."""
    raise NotImplementedError


def tanh(x: Tensor) -> Tensor:
    """Return tanh(x), between −1 and 1; 2 σ(2x) − 1 is the same and does not overflow."""
    raise NotImplementedError


def tanh_derivative(x: Tensor) -> Tensor:
    """Return tanh′(x), at most 1."""
    raise NotImplementedError


def relu(x: Tensor) -> Tensor:
    """Return x where it is above 0, else 0."""
    raise NotImplementedError


def relu_derivative(x: Tensor) -> Tensor:
    """Return 1.0 where x > 0, else 0.0 (at 0 as well)."""
    raise NotImplementedError


def leaky_relu(x: Tensor, slope: float = 0.01) -> Tensor:
    """Return x where it is above 0, else slope · x."""
    raise NotImplementedError


def leaky_relu_derivative(x: Tensor, slope: float = 0.01) -> Tensor:
    """Return 1.0 where x > 0, else slope."""
    raise NotImplementedError


def elu(x: Tensor, alpha: float = 1.0) -> Tensor:
    """Return x where it is above 0, else α (eˣ − 1)."""
    raise NotImplementedError


def elu_derivative(x: Tensor, alpha: float = 1.0) -> Tensor:
    """Return the derivative of elu."""
    raise NotImplementedError


def selu(x: Tensor) -> Tensor:
    """Return LAMBDA · elu(x, ALPHA)."""
    raise NotImplementedError


def selu_derivative(x: Tensor) -> Tensor:
    """Return the derivative of selu."""
    raise NotImplementedError


def gelu(x: Tensor) -> Tensor:
    """Return x Φ(x), the exact form with erf."""
    raise NotImplementedError


def gelu_derivative(x: Tensor) -> Tensor:
    """Return Φ(x) + x Φ′(x)."""
    raise NotImplementedError


def silu(x: Tensor) -> Tensor:
    """Return x σ(x)."""
    raise NotImplementedError


def silu_derivative(x: Tensor) -> Tensor:
    """Return the derivative of silu, by the product rule."""
    raise NotImplementedError


def softmax(x: Tensor) -> Tensor:
    """Return the softmax over the last axis; subtract each row's maximum before exp."""
    raise NotImplementedError


def softmax_derivative(x: Tensor) -> Tensor:
    """Return the Jacobian of one row: x is (d,), entry i, j is ∂softmax(x)ᵢ ∕ ∂xⱼ; (d, d)."""
    raise NotImplementedError
