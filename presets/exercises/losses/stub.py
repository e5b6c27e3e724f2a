"""Losses and their gradients.

Every loss is the mean over the batch (for mse and huber: over all elements), as in torch.
A gradient is taken with respect to the first argument and has its shape.

    mse             mean of (y − t)²
    bce             z are logits, p = σ(z), t is 0 or 1:  −[t log p + (1 − t) log(1 − p)]
                    stable form:  max(z, 0) − z t + log(1 + e^−|z|)
    cross_entropy   z is (n, classes), t are class numbers:  −log softmax(z)ₜ
    huber           with e = y − t:  ½ e² where |e| ≤ δ, else δ (|e| − ½ δ)
    focal           with pₜ = p where t is 1, else 1 − p:  −(1 − pₜ)^γ log pₜ

The gradients of bce and cross_entropy are famous for being simple: (p − t) ∕ n.
Logits as large as ±100 are tried with bce and cross_entropy: nothing may become infinite or NaN.
"""

import torch
from torch import Tensor


def mse(prediction: Tensor, target: Tensor) -> Tensor:
    """Return the mean squared error: both have the same shape; gives ()."""
    raise NotImplementedError


def mse_gradient(prediction: Tensor, target: Tensor) -> Tensor:
    """Return the gradient of mse with respect to the prediction."""
    raise NotImplementedError


def bce(logits: Tensor, target: Tensor) -> Tensor:
    """Return the binary cross-entropy of logits: both are (n,), targets 0.0 or 1.0; gives ()."""
    raise NotImplementedError


def bce_gradient(logits: Tensor, target: Tensor) -> Tensor:
    """Return the gradient of bce with respect to the logits."""
    raise NotImplementedError


def cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Return the cross-entropy: logits are (n, classes), target (n,) holds class numbers."""
    raise NotImplementedError


def cross_entropy_gradient(logits: Tensor, target: Tensor) -> Tensor:
    """Return the gradient of cross_entropy with respect to the logits, (n, classes)."""
    raise NotImplementedError


def huber(prediction: Tensor, target: Tensor, delta: float) -> Tensor:
    """Return the Huber loss: squared for small errors, linear for large ones."""
    raise NotImplementedError


def huber_gradient(prediction: Tensor, target: Tensor, delta: float) -> Tensor:
    """Return the gradient of huber with respect to the prediction."""
    raise NotImplementedError


def focal(logits: Tensor, target: Tensor, gamma: float) -> Tensor:
    """Return the binary focal loss of logits: both are (n,)."""
    raise NotImplementedError


def focal_gradient(logits: Tensor, target: Tensor, gamma: float) -> Tensor:
    """Return the gradient of focal; with s = 2t − 1: s (1 − pₜ)^γ (γ pₜ log pₜ + pₜ − 1) ∕ n."""
    raise NotImplementedError
