"""The perceptron rule (Rosenblatt 1958).

A perceptron has d weights w, a bias b and a hard threshold:

    z = w·x + b          y = 1 if z > 0, else 0

It learns one example at a time, and only from its mistakes. With target t and learning rate η:

    w ← w + η (t − y) x          b ← b + η (t − y)

Write the three functions, save, and the lab compares them with its own on random inputs.
"""

import torch
from torch import Tensor


def predict(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    """Return 1.0 or 0.0 for each of n examples: x is (n, d), w is (d,), b is (); gives (n,)."""
    raise NotImplementedError


def update(x: Tensor, target: Tensor, w: Tensor, b: Tensor, lr: float) -> tuple[Tensor, Tensor]:
    """Return the new w and b after one example: x is (d,), target is 0.0 or 1.0."""
    raise NotImplementedError


def train(
    xs: Tensor, targets: Tensor, w: Tensor, b: Tensor, lr: float, epochs: int
) -> tuple[Tensor, Tensor]:
    """Go `epochs` times through all examples in order; return w and b after the last."""
    raise NotImplementedError
