"""Activation functions and their derivatives, as they should be."""

import math

import torch
from torch import Tensor

LAMBDA = 1.0507009873554805
ALPHA = 1.6732632423543772


def step(x: Tensor) -> Tensor:
    """Return 1.0 where x > 0, else 0.0."""
    return (x > 0).to(x.dtype)


def step_derivative(x: Tensor) -> Tensor:
    """Return 0 everywhere."""
    return torch.zeros_like(x)


def sigmoid(x: Tensor) -> Tensor:
    """Return σ(x)."""
    return 1 / (1 + torch.exp(-x))


def sigmoid_derivative(x: Tensor) -> Tensor:
    """Return σ (1 − σ)."""
    s = 1 / (1 + torch.exp(-x))
    return s * (1 - s)


def tanh(x: Tensor) -> Tensor:
    """Return 2 σ(2x) − 1."""
    return 2 / (1 + torch.exp(-2 * x)) - 1


def tanh_derivative(x: Tensor) -> Tensor:
    """Return 1 − tanh²."""
    t = 2 / (1 + torch.exp(-2 * x)) - 1
    return 1 - t**2


def relu(x: Tensor) -> Tensor:
    """Return x where it is above 0, else 0."""
    return torch.where(x > 0, x, 0.0)


def relu_derivative(x: Tensor) -> Tensor:
    """Return 1.0 where x > 0, else 0.0."""
    return (x > 0).to(x.dtype)


def leaky_relu(x: Tensor, slope: float = 0.01) -> Tensor:
    """Return x where it is above 0, else slope · x."""
    return torch.where(x > 0, x, slope * x)


def leaky_relu_derivative(x: Tensor, slope: float = 0.01) -> Tensor:
    """Return 1.0 where x > 0, else slope."""
    return torch.where(x > 0, 1.0, slope)


def elu(x: Tensor, alpha: float = 1.0) -> Tensor:
    """Return x where it is above 0, else α (eˣ − 1)."""
    return torch.where(x > 0, x, alpha * (torch.exp(x) - 1))


def elu_derivative(x: Tensor, alpha: float = 1.0) -> Tensor:
    """Return 1 where x > 0, else α eˣ."""
    return torch.where(x > 0, 1.0, alpha * torch.exp(x))


def selu(x: Tensor) -> Tensor:
    """Return LAMBDA · elu(x, ALPHA)."""
    return LAMBDA * torch.where(x > 0, x, ALPHA * (torch.exp(x) - 1))


def selu_derivative(x: Tensor) -> Tensor:
    """Return the derivative of selu."""
    return LAMBDA * torch.where(x > 0, 1.0, ALPHA * torch.exp(x))


def gelu(x: Tensor) -> Tensor:
    """Return x Φ(x)."""
    return x * 0.5 * (1 + torch.erf(x / math.sqrt(2)))


def gelu_derivative(x: Tensor) -> Tensor:
    """Return Φ(x) + x Φ′(x)."""
    below = 0.5 * (1 + torch.erf(x / math.sqrt(2)))
    density = torch.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)
    return below + x * density


def silu(x: Tensor) -> Tensor:
    """Return x σ(x)."""
    return x / (1 + torch.exp(-x))


def silu_derivative(x: Tensor) -> Tensor:
    """Return σ + x σ (1 − σ)."""
    s = 1 / (1 + torch.exp(-x))
    return s + x * s * (1 - s)


def softmax(x: Tensor) -> Tensor:
    """Return the softmax over the last axis."""
    powers = torch.exp(x - x.amax(dim=-1, keepdim=True))
    return powers / powers.sum(dim=-1, keepdim=True)


def softmax_derivative(x: Tensor) -> Tensor:
    """Return diag(p) − p pᵀ."""
    powers = torch.exp(x - x.max())
    p = powers / powers.sum()
    return torch.diag(p) - torch.outer(p, p)
