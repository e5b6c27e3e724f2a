"""Scaled dot-product attention, as it should be."""

import math

import torch
from torch import Tensor


def weights(q: Tensor, k: Tensor, causal: bool) -> Tensor:
    """Return the softmax of the scaled scores."""
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
    if causal:
        future = torch.ones_like(scores).triu(1) == 1
        scores = scores.masked_fill(future, float("-inf"))
    return torch.softmax(scores, dim=-1)


def attention(q: Tensor, k: Tensor, v: Tensor, causal: bool) -> Tensor:
    """Return the mixtures of the values."""
    return weights(q, k, causal) @ v


def multi_head(
    x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor, w_o: Tensor, heads: int, causal: bool
) -> Tensor:
    """Return multi-head self-attention."""
    n, length, d = x.shape
    q, k, v = x @ w_q.T, x @ w_k.T, x @ w_v.T
    q = q.reshape(n, length, heads, d // heads).transpose(1, 2)
    k = k.reshape(n, length, heads, d // heads).transpose(1, 2)
    v = v.reshape(n, length, heads, d // heads).transpose(1, 2)
    y = attention(q, k, v, causal)
    return y.transpose(1, 2).reshape(n, length, d) @ w_o.T
