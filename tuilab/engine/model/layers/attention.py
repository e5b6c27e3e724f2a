"""Modules in which every position of a sequence [n, length, features] looks at the others.

Each keeps the weights of its last attention, [n, heads, length, length], in `weights` while
`keep_weights` is true; else they are never computed as a whole.
"""

from math import sqrt

import torch
from torch import Tensor, nn
from torch.nn import functional

from tuilab.core.catalogue.layers import attention as lab
from tuilab.core.network.layer import Layer, Shape
from tuilab.engine.model.layers.named import Builder


def future(length: int, device: torch.device) -> Tensor:
    """True where a position (row) would look at one after it (column): [length, length]."""
    return torch.ones(length, length, dtype=torch.bool, device=device).triu(1)


class Attention(nn.Module):
    """What all attentions here share: weights that are kept on demand."""

    def __init__(self) -> None:
        super().__init__()
        self.keep_weights = False
        self.weights: Tensor | None = None


class SelfAttention(Attention):
    """torch's attention of a sequence to itself."""

    def __init__(self, inside: nn.MultiheadAttention, causal: bool) -> None:
        super().__init__()
        self.inside, self.causal = inside, causal

    def forward(self, x: Tensor) -> Tensor:
        """[n, length, features] to the same."""
        mask = future(x.shape[1], x.device) if self.causal else None
        out, weights = self.inside(
            x, x, x, attn_mask=mask, is_causal=self.causal,
            need_weights=self.keep_weights, average_attn_weights=False,
        )  # fmt: skip
        self.weights = None if weights is None else weights.detach()
        result: Tensor = out
        return result


class EncoderLayer(Attention):
    """torch's encoder layer, causal or not."""

    def __init__(self, inside: nn.TransformerEncoderLayer, causal: bool) -> None:
        super().__init__()
        self.inside, self.causal = inside, causal

    def forward(self, x: Tensor) -> Tensor:
        """[n, length, features] to the same."""
        mask = future(x.shape[1], x.device) if self.causal else None
        self.weights = self._weights(x, mask) if self.keep_weights else None
        out: Tensor = self.inside(x, src_mask=mask, is_causal=self.causal)
        return out

    @torch.no_grad()
    def _weights(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """The layer itself never asks for them: attend once more."""
        inside = self.inside
        seen = inside.norm1(x) if inside.norm_first else x
        weights: Tensor = inside.self_attn(
            seen, seen, seen, attn_mask=mask, average_attn_weights=False
        )[1]
        return weights


class CausalAttention(Attention):
    """Attention to what came before, as one product for queries, keys and values."""

    def __init__(self, features: int, heads: int, dropout: float, bias: bool) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.queries_keys_values = nn.Linear(features, 3 * features, bias=bias)
        self.join = nn.Linear(features, features, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """[n, length, features] to the same."""
        q, k, v = (
            part.unflatten(2, (self.heads, -1)).transpose(1, 2)  # [n, heads, length, share]
            for part in self.queries_keys_values(x).chunk(3, dim=2)
        )
        self.weights = _weights(q, k) if self.keep_weights else None
        dropout = self.dropout if self.training else 0.0
        y = functional.scaled_dot_product_attention(q, k, v, dropout_p=dropout, is_causal=True)
        out: Tensor = self.join(y.transpose(1, 2).flatten(2))
        return out


@torch.no_grad()
def _weights(q: Tensor, k: Tensor) -> Tensor:
    scores = q @ k.transpose(2, 3) / sqrt(q.shape[3])
    return scores.masked_fill(future(q.shape[2], q.device), float("-inf")).softmax(dim=3)


class DecoderBlock(nn.Module):
    """GPT-2's layer: attention and a network for each position, each after a norm."""

    def __init__(self, features: int, heads: int, units: int, dropout: float, bias: bool) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(features, bias=bias)
        self.attention = CausalAttention(features, heads, dropout, bias)
        self.norm2 = nn.LayerNorm(features, bias=bias)
        self.linear1 = nn.Linear(features, units, bias=bias)
        self.activation = nn.GELU()
        self.linear2 = nn.Linear(units, features, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """[n, length, features] to the same."""
        x = x + self.dropout(self.attention(self.norm1(x)))
        hidden = self.activation(self.linear1(self.norm2(x)))
        out: Tensor = x + self.dropout(self.linear2(hidden))
        return out


def _multihead(layer: lab.MultiheadAttention, shape: Shape) -> nn.Module:
    inside = nn.MultiheadAttention(
        shape[-1], layer.num_heads, dropout=layer.dropout, bias=layer.bias, batch_first=True
    )
    return SelfAttention(inside, layer.causal)


def _encoder(layer: lab.TransformerEncoderLayer, shape: Shape) -> nn.Module:
    inside = nn.TransformerEncoderLayer(
        shape[-1], layer.nhead, layer.dim_feedforward, layer.dropout, layer.activation,
        layer_norm_eps=layer.layer_norm_eps, norm_first=layer.norm_first, bias=layer.bias,
        batch_first=True,
    )  # fmt: skip
    return EncoderLayer(inside, layer.causal)


def _decoder(layer: lab.DecoderBlock, shape: Shape) -> nn.Module:
    units = layer.dim_feedforward or 4 * shape[-1]
    return DecoderBlock(shape[-1], layer.num_heads, units, layer.dropout, layer.bias)


BUILDERS: dict[type[Layer], Builder] = {
    lab.MultiheadAttention: _multihead,
    lab.TransformerEncoderLayer: _encoder,
    lab.DecoderBlock: _decoder,
}
