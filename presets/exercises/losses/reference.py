"""Losses and their gradients, as they should be."""

import torch
from torch import Tensor


def mse(prediction: Tensor, target: Tensor) -> Tensor:
    """Return the mean squared error."""
    return ((prediction - target) ** 2).mean()


def mse_gradient(prediction: Tensor, target: Tensor) -> Tensor:
    """Return 2 (y − t) ∕ number of elements."""
    return 2 * (prediction - target) / prediction.numel()


def bce(logits: Tensor, target: Tensor) -> Tensor:
    """Return the binary cross-entropy of logits."""
    zero = logits.clamp(min=0)
    return (zero - logits * target + torch.log1p(torch.exp(-logits.abs()))).mean()


def bce_gradient(logits: Tensor, target: Tensor) -> Tensor:
    """Return (p − t) ∕ n."""
    p = torch.sigmoid(logits)
    return (p - target) / len(logits)


def cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Return −log softmax(z)ₜ, averaged."""
    shifted = logits - logits.amax(dim=1, keepdim=True)
    log_p = shifted - shifted.exp().sum(dim=1, keepdim=True).log()
    return -log_p[range(len(target)), target].mean()


def cross_entropy_gradient(logits: Tensor, target: Tensor) -> Tensor:
    """Return (p − one-hot) ∕ n."""
    p = torch.softmax(logits, dim=1)
    p[range(len(target)), target] -= 1
    return p / len(logits)


def huber(prediction: Tensor, target: Tensor, delta: float) -> Tensor:
    """Return the Huber loss."""
    e = prediction - target
    size = e.abs()
    return torch.where(size <= delta, 0.5 * e**2, delta * (size - 0.5 * delta)).mean()


def huber_gradient(prediction: Tensor, target: Tensor, delta: float) -> Tensor:
    """Return the error, limited to ±δ, ∕ number of elements."""
    e = prediction - target
    return e.clamp(-delta, delta) / e.numel()


def focal(logits: Tensor, target: Tensor, gamma: float) -> Tensor:
    """Return the binary focal loss."""
    p = torch.sigmoid(logits)
    right = torch.where(target == 1, p, 1 - p)
    return (-((1 - right) ** gamma) * torch.log(right)).mean()


def focal_gradient(logits: Tensor, target: Tensor, gamma: float) -> Tensor:
    """Return s (1 − pₜ)^γ (γ pₜ log pₜ + pₜ − 1) ∕ n."""
    s = 2 * target - 1
    right = torch.sigmoid(s * logits)
    slope = (1 - right) ** gamma * (gamma * right * torch.log(right) + right - 1)
    return s * slope / len(logits)
