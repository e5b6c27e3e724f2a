"""Scaled dot-product attention, and several heads of it.

Each of T positions asks with its query what the keys of all positions offer, and takes a mixture
of their values:

    A = softmax(Q Kᵀ ∕ √d) over the keys (each row of A adds up to 1)        output = A V

With a causal mask position i sees only the positions j ≤ i: the scores of the others are −∞
before the softmax.

Multi-head attention projects x to Q, K and V by X Wᵀ, cuts the features of each into `heads` equal
parts, lets every part attend by itself (d is the size of a part), puts the parts side by side
again and projects the whole by Wₒ.
"""

import torch
from torch import Tensor


def weights(q: Tensor, k: Tensor, causal: bool) -> Tensor:
    """Return A: q and k are (n, T, d); gives (n, T, T), queries by keys."""
    raise NotImplementedError


def attention(q: Tensor, k: Tensor, v: Tensor, causal: bool) -> Tensor:
    """Return A V: q, k and v are (n, T, d); gives (n, T, d)."""
    raise NotImplementedError


def multi_head(
    x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor, w_o: Tensor, heads: int, causal: bool
) -> Tensor:
    """Return multi-head self-attention: x is (n, T, d), each w is (d, d); gives (n, T, d)."""
    raise NotImplementedError
