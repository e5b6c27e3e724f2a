"""Layers in which every position of a sequence [length, features] looks at the others."""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from tuilab.core.catalogue.layers.sequence import length_features
from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import knob
from tuilab.core.format import divisors
from tuilab.core.network.layer import Layer, Shape

Heads = Annotated[int, knob("Attentions side by side, each over its share", ge=1, le=1024)]
Dropped = Annotated[float, knob("Chance to drop a value while training", ge=0, lt=1)]
Bias = Annotated[bool, knob("Add a learned constant after each matrix")]
Causal = Annotated[bool, knob("No position sees what comes after it")]


def of_heads(layer: Layer, shape: Shape, name: str, heads: int) -> Shape:
    """The shape itself, when it is a sequence whose features the heads can share."""
    _, features = length_features(layer, shape)
    if features % heads:
        fits = [str(count) for count in divisors(features)]
        raise InputError(
            f"{name}={heads} does not divide the {features} features that come in; "
            f"take one of {', '.join(fits[:8])}{', …' if len(fits) > 8 else ''}"
        )
    return shape


def _matrices(*sizes: tuple[int, int], bias: bool) -> int:
    """The numbers in matrices (inputs, outputs), each with a bias or none."""
    return sum(outputs * (inputs + bias) for inputs, outputs in sizes)


class MultiheadAttention(Layer, frozen=True):
    """Every position takes a weighted mean of all positions; it learns which ones matter to it.

    Formula: A = softmax(Q Kᵀ / √d)    y = A V, in each head; the heads joined by a matrix
      Q, K, V = x W_q, x W_k, x W_v
    Use: where far positions must meet in one step. Put it into a Residual with a LayerNorm.
    Pitfall: it has no sense of order: add a PositionalEncoding first. Predicting the next
      token without causal=true is cheating: the loss falls to nearly 0, the text is nonsense.
    Source: Vaswani et al. 2017; torch.nn.MultiheadAttention
    """

    num_heads: Heads
    dropout: Dropped = 0.0
    bias: Bias = True
    causal: Causal = False

    family: ClassVar[str] = "attention"
    example: ClassVar[str] = "4"

    def output(self, shape: Shape) -> Shape:
        return of_heads(self, shape, "num_heads", self.num_heads)

    def parameters(self, shape: Shape) -> int:
        features = shape[-1]
        return _matrices((features, 3 * features), (features, features), bias=self.bias)


class TransformerEncoderLayer(Layer, frozen=True):
    """Attention, then a small network at every position, both with a shortcut and a norm.

    Formula: x ← norm(x + attention(x))    x ← norm(x + W₂ f(W₁ x))
      norm_first: x ← x + attention(norm(x))    x ← x + W₂ f(W₁ norm(x))
    Use: several in a Repeat make a transformer for classification of sequences or pictures.
    Pitfall: with norm_first=false deep stacks need a warm-up of the learning rate or they stay
      at guessing. The default dim_feedforward of 2048 is far too large for small features.
    Source: Vaswani et al. 2017; Xiong et al. 2020 (norm_first); torch.nn.TransformerEncoderLayer
    """

    nhead: Heads
    dim_feedforward: Annotated[int, knob("Units in between, W₁", ge=1, le=1_000_000)] = 2048
    dropout: Dropped = 0.1
    activation: Annotated[Literal["relu", "gelu"], knob("f, between the matrices")] = "relu"
    layer_norm_eps: Annotated[float, knob("Keeps the norms finite", gt=0, le=1)] = 1e-5
    norm_first: Annotated[bool, knob("Normalize before each part, not after")] = False
    bias: Bias = True
    causal: Causal = False

    family: ClassVar[str] = "attention"
    example: ClassVar[str] = "4"

    def output(self, shape: Shape) -> Shape:
        return of_heads(self, shape, "nhead", self.nhead)

    def parameters(self, shape: Shape) -> int:
        features, units = shape[-1], self.dim_feedforward
        return _matrices(
            (features, 3 * features), (features, features), (features, units), (units, features),
            (1, features), (1, features),  # the two norms
            bias=self.bias,
        )  # fmt: skip


class DecoderBlock(Layer, frozen=True):
    """A causal transformer layer as in GPT-2: no position sees what comes after it.

    Formula: x ← x + attention(norm(x))    x ← x + W₂ GELU(W₁ norm(x))
    Use: a language model: Embedding, PositionalEncoding, several of these in a Repeat,
      LayerNorm, Linear.
    Pitfall: what it reads is only what stands before; for one answer about a whole sequence
      take SelectPosition -1, never 0.
    Source: Radford et al. 2019 (GPT-2)
    """

    num_heads: Heads
    dim_feedforward: Annotated[
        Annotated[int, Meta(ge=1, le=1_000_000)] | None,
        knob("Units in between, W₁; none: four times the features"),
    ] = None
    dropout: Dropped = 0.0
    bias: Bias = True

    family: ClassVar[str] = "attention"
    example: ClassVar[str] = "4"

    def output(self, shape: Shape) -> Shape:
        return of_heads(self, shape, "num_heads", self.num_heads)

    def parameters(self, shape: Shape) -> int:
        features = shape[-1]
        units = self.dim_feedforward or 4 * features
        return _matrices(
            (features, 3 * features), (features, features), (features, units), (units, features),
            (1, features), (1, features),  # the two norms
            bias=self.bias,
        )  # fmt: skip
