"""Optimizers, from SGD to AdamW.

Every function makes one step for one tensor of weights w with the gradient g, and returns the
new weights. What has to be remembered until the next step goes into the dict `state`, which is
empty before the first step:    v = state.get("v", torch.zeros_like(w))

    sgd        w ← w − η g
    momentum   v ← μ v + g                      w ← w − η v
    nesterov   v ← μ v + g                      w ← w − η (g + μ v)
    rmsprop    s ← α s + (1 − α) g²             w ← w − η g ∕ (√s + ε)
    adam       t ← t + 1     (the first step has t = 1)
               m ← β₁ m + (1 − β₁) g            v ← β₂ v + (1 − β₂) g²
               m̂ = m ∕ (1 − β₁ᵗ)                v̂ = v ∕ (1 − β₂ᵗ)
               w ← w − η m̂ ∕ (√v̂ + ε)
    adamw      first w ← w − η λ w, then Adam's step with the untouched gradient

The learning rate η may change from step to step. In a run: optimizer own, with one of these.
"""

from typing import Any

import torch
from torch import Tensor

State = dict[str, Any]


def sgd(w: Tensor, g: Tensor, state: State, lr: float) -> Tensor:
    """Return w after one step of plain gradient descent."""
    raise NotImplementedError


def momentum(w: Tensor, g: Tensor, state: State, lr: float, mu: float = 0.9) -> Tensor:
    """Return w after one step with momentum."""
    raise NotImplementedError


def nesterov(w: Tensor, g: Tensor, state: State, lr: float, mu: float = 0.9) -> Tensor:
    """Return w after one step with Nesterov's momentum."""
    raise NotImplementedError


def rmsprop(
    w: Tensor, g: Tensor, state: State, lr: float, alpha: float = 0.99, eps: float = 1e-8
) -> Tensor:
    """Return w after one step of RMSprop."""
    raise NotImplementedError


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
    raise NotImplementedError


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
    """Return w after one step of AdamW with weight decay λ = decay."""
    raise NotImplementedError
