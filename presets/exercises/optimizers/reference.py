"""Optimizers, from SGD to AdamW, as they should be."""

from typing import Any

import torch
from torch import Tensor

State = dict[str, Any]


def sgd(w: Tensor, g: Tensor, state: State, lr: float) -> Tensor:
    """Return w after one step of plain gradient descent."""
    return w - lr * g


def momentum(w: Tensor, g: Tensor, state: State, lr: float, mu: float = 0.9) -> Tensor:
    """Return w after one step with momentum."""
    v = mu * state.get("v", torch.zeros_like(w)) + g
    state["v"] = v
    return w - lr * v


def nesterov(w: Tensor, g: Tensor, state: State, lr: float, mu: float = 0.9) -> Tensor:
    """Return w after one step with Nesterov's momentum."""
    v = mu * state.get("v", torch.zeros_like(w)) + g
    state["v"] = v
    return w - lr * (g + mu * v)


def rmsprop(
    w: Tensor, g: Tensor, state: State, lr: float, alpha: float = 0.99, eps: float = 1e-8
) -> Tensor:
    """Return w after one step of RMSprop."""
    s = alpha * state.get("s", torch.zeros_like(w)) + (1 - alpha) * g**2
    state["s"] = s
    return w - lr * g / (s.sqrt() + eps)


def adam(
    w: Tensor,
    g: Tensor,
    state: State,
    lr: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
) -> Tensor:
    """Return w after one step of Adam."""
    t = state.get("t", 0) + 1
    m = beta1 * state.get("m", torch.zeros_like(w)) + (1 - beta1) * g
    v = beta2 * state.get("v", torch.zeros_like(w)) + (1 - beta2) * g**2
    state.update(t=t, m=m, v=v)
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    return w - lr * m_hat / (v_hat.sqrt() + eps)


def adamw(
    w: Tensor,
    g: Tensor,
    state: State,
    lr: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    decay: float = 0.01,
) -> Tensor:
    """Return w after one step of AdamW."""
    w = w - lr * decay * w
    return adam(w, g, state, lr, beta1, beta2, eps)
