"""Dropout, inverted as in torch.

In training each element is dropped (made 0) with probability p, and what stays is divided by
1 − p, so that the expected sum stays the same. At inference nothing happens.

    mask = 1 where noise ≥ p, else 0          noise is uniform in [0, 1), and given
    y = x ⊙ mask ∕ (1 − p)                    dx = dy ⊙ mask ∕ (1 − p)

Spatial dropout drops whole channels: one number of noise for each example and channel.
"""

import torch
from torch import Tensor


def dropout(x: Tensor, p: float, noise: Tensor, training: bool) -> Tensor:
    """Return x with dropout: noise has the shape of x."""
    raise NotImplementedError


def dropout_backward(gradient: Tensor, p: float, noise: Tensor, training: bool) -> Tensor:
    """Return the gradient with respect to x, from that with respect to dropout's output."""
    raise NotImplementedError


def spatial_dropout(x: Tensor, p: float, noise: Tensor, training: bool) -> Tensor:
    """Return x with whole channels dropped: x is (n, c, h, w), noise is (n, c)."""
    raise NotImplementedError
