"""Attention modules: every position of a sequence [batch, length, features] attends to the others.

Each keeps the weights of its last attention, [batch, heads, length, length], in `weights` while
`keep_weights` is true; otherwise they are never computed as a whole.
"""

from math import sqrt
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from tuilab.core.catalogue.layers import attention as catalogue
from tuilab.core.network.layer import Shape, second_shape
from tuilab.engine.model.layers.builders import module
from tuilab.engine.model.layers.save import SecondInput

LayerType = TypeVar("LayerType", nn.TransformerEncoderLayer, nn.TransformerDecoderLayer)
"""One of the two layers of torch that take the same arguments."""


def causal_mask(length: int, device: torch.device) -> Tensor:
    """Returns True where a position (row) would see a later one (column), bool [length, length]."""
    return torch.ones(length, length, dtype=torch.bool, device=device).triu(1)


def attention_mask(
    length: int, device: torch.device, *, causal: bool, window: int | None
) -> Tensor | None:
    """Returns True where a position (row) does not see another (column), bool [length, length].

    None where every position sees all.
    """
    mask = causal_mask(length, device) if causal else None
    if window is None:
        return mask
    position = torch.arange(length, device=device)
    is_far = (position[:, None] - position).abs() > window
    return is_far if mask is None else mask | is_far


class Attention(nn.Module):
    """The base class of attentions, which keep their weights on demand."""

    def __init__(self) -> None:
        super().__init__()
        self.keep_weights = False
        self.weights: Tensor | None = None


class SelfAttention(Attention):
    """torch's MultiheadAttention of a sequence to itself, or to a second one."""

    def __init__(
        self, inside: nn.MultiheadAttention, causal: bool, window: int | None = None
    ) -> None:
        super().__init__()
        self.inside, self.causal, self.window = inside, causal, window
        self.second_input = SecondInput()

    def forward(self, x: Tensor) -> Tensor:
        """Maps [batch, length, features] to the same shape."""
        memory = self.second_input.read(x)
        mask = attention_mask(x.shape[1], x.device, causal=self.causal, window=self.window)
        out, weights = self.inside(
            x, memory, memory, attn_mask=mask, is_causal=self.causal and self.window is None,
            need_weights=self.keep_weights, average_attn_weights=False,
        )  # fmt: skip
        self.weights = None if weights is None else weights.detach()
        result: Tensor = out
        return result


class EncoderLayer(Attention):
    """torch's TransformerEncoderLayer, causal or not."""

    def __init__(
        self, inside: nn.TransformerEncoderLayer, causal: bool, window: int | None = None
    ) -> None:
        super().__init__()
        self.inside, self.causal, self.window = inside, causal, window

    def forward(self, x: Tensor) -> Tensor:
        """Maps [batch, length, features] to the same shape."""
        mask = attention_mask(x.shape[1], x.device, causal=self.causal, window=self.window)
        self.weights = self._attend(x, mask) if self.keep_weights else None
        is_causal = self.causal and self.window is None
        out: Tensor = self.inside(x, src_mask=mask, is_causal=is_causal)
        return out

    @torch.no_grad()
    def _attend(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Computes the weights, which the torch layer itself never returns, a second time."""
        inside = self.inside
        inputs = inside.norm1(x) if inside.norm_first else x
        weights: Tensor = inside.self_attn(
            inputs, inputs, inputs, attn_mask=mask, average_attn_weights=False
        )[1]
        return weights


class DecoderLayer(nn.Module):
    """torch's TransformerDecoderLayer over a memory, its second input."""

    def __init__(
        self, inside: nn.TransformerDecoderLayer, causal: bool, window: int | None
    ) -> None:
        super().__init__()
        self.inside, self.causal, self.window = inside, causal, window
        self.second_input = SecondInput()

    def forward(self, x: Tensor) -> Tensor:
        """Maps [batch, length, features] to the same shape."""
        mask = attention_mask(x.shape[1], x.device, causal=self.causal, window=self.window)
        out: Tensor = self.inside(
            x, self.second_input.read(x), tgt_mask=mask,
            tgt_is_causal=self.causal and self.window is None,
        )  # fmt: skip
        return out


class CausalAttention(Attention):
    """Attention to previous positions, with one product for queries, keys and values."""

    def __init__(self, features: int, heads: int, dropout: float, bias: bool) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.queries_keys_values = nn.Linear(features, 3 * features, bias=bias)
        self.join = nn.Linear(features, features, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Maps [batch, length, features] to the same shape."""
        q, k, v = (
            part.unflatten(2, (self.heads, -1)).transpose(1, 2)  # [batch, heads, length, share]
            for part in self.queries_keys_values(x).chunk(3, dim=2)
        )
        self.weights = _causal_weights(q, k) if self.keep_weights else None
        dropout = self.dropout if self.training else 0.0
        y = functional.scaled_dot_product_attention(q, k, v, dropout_p=dropout, is_causal=True)
        out: Tensor = self.join(y.transpose(1, 2).flatten(2))
        return out


@torch.no_grad()
def _causal_weights(q: Tensor, k: Tensor) -> Tensor:
    scores = q @ k.transpose(2, 3) / sqrt(q.shape[3])
    return scores.masked_fill(causal_mask(q.shape[2], q.device), float("-inf")).softmax(dim=3)


class DecoderBlock(nn.Module):
    """GPT-2's layer: attention, then a network at each position, each after a norm."""

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
        """Maps [batch, length, features] to the same shape."""
        x = x + self.dropout(self.attention(self.norm1(x)))
        hidden = self.activation(self.linear1(self.norm2(x)))
        out: Tensor = x + self.dropout(self.linear2(hidden))
        return out


@module(catalogue.MultiheadAttention)
def multihead_attention(layer: catalogue.MultiheadAttention, shape: Shape) -> nn.Module:
    """Builds an attention for the features of its input, and of its memory."""
    memory = second_shape(shape)[-1]
    inside = nn.MultiheadAttention(
        shape[-1], layer.num_heads, dropout=layer.dropout, bias=layer.bias, batch_first=True,
        kdim=memory, vdim=memory,
    )  # fmt: skip
    return SelfAttention(inside, layer.causal, layer.window)


@module(catalogue.TransformerEncoderLayer)
def encoder_layer(layer: catalogue.TransformerEncoderLayer, shape: Shape) -> nn.Module:
    """Builds an encoder layer for the features of its input."""
    inside = _build_layer(nn.TransformerEncoderLayer, layer, shape)
    return EncoderLayer(inside, layer.causal, layer.window)


@module(catalogue.TransformerDecoderLayer)
def decoder_layer(layer: catalogue.TransformerDecoderLayer, shape: Shape) -> nn.Module:
    """Builds a decoder layer for the features of its input and its memory."""
    inside = _build_layer(nn.TransformerDecoderLayer, layer, shape)
    return DecoderLayer(inside, layer.causal, layer.window)


@module(catalogue.DecoderBlock)
def decoder_block(layer: catalogue.DecoderBlock, shape: Shape) -> nn.Module:
    """Builds a decoder block for the features of its input."""
    units = layer.dim_feedforward or 4 * shape[-1]
    return DecoderBlock(shape[-1], layer.num_heads, units, layer.dropout, layer.bias)


def _build_layer(
    kind: type[LayerType],
    layer: catalogue.TransformerEncoderLayer | catalogue.TransformerDecoderLayer,
    shape: Shape,
) -> LayerType:
    """Builds torch's encoder or decoder layer, which take the same arguments."""
    return kind(
        shape[-1], layer.nhead, layer.dim_feedforward, layer.dropout, layer.activation,
        layer_norm_eps=layer.layer_norm_eps, norm_first=layer.norm_first, bias=layer.bias,
        batch_first=True,
    )  # fmt: skip
