"""Attention layers: every position of a sequence [length, features] attends to the others."""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from tuilab.core.catalogue.layers.sequence import check_sequence
from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import knob
from tuilab.core.network.layer import Layer, Shape, divisors, format_shape, second_shape

Heads = Annotated[int, knob("Attention heads, each over its share of the features", ge=1, le=1024)]
Dropped = Annotated[float, knob("Dropout probability in training", ge=0, lt=1)]
Bias = Annotated[bool, knob("Add a learned bias after each matrix")]
Causal = Annotated[bool, knob("No position sees later positions")]
Window = Annotated[
    Annotated[int, Meta(ge=1, le=1_000_000)] | None,
    knob("A position sees only this many positions before and after it; none: all"),
]
Memory = Annotated[
    str | None,
    knob("The name of the sequence that is attended to, from a Save; none: the layer's input"),
]


def check_heads(layer: Layer, shape: Shape, name: str = "num_heads") -> Shape:
    """Returns the shape; raises InputError unless the heads divide its features evenly."""
    _, features = check_sequence(layer, shape)
    heads: int = getattr(layer, name)
    if features % heads:
        fits = [str(count) for count in divisors(features)]
        raise InputError(
            f"{name}={heads} does not divide the {features} input features; "
            f"use one of {', '.join(fits[:8])}{', …' if len(fits) > 8 else ''}"
        )
    return shape


def check_memory(layer: Layer, shape: Shape) -> Shape:
    """Returns the shape of the sequence that is attended to, [length, features]."""
    memory = second_shape(shape)
    if len(memory) != 2:
        raise InputError(
            f"memory must be a sequence, [length, features], but it is {format_shape(memory)}"
        )
    return memory


def _matrices(*sizes: tuple[int, int], bias: bool) -> int:
    """Returns the number of parameters of matrices (inputs, outputs), with or without biases."""
    return sum(outputs * (inputs + bias) for inputs, outputs in sizes)


def _count_transformer(features: int, units: int, bias: bool) -> int:
    """Returns the number of parameters of attention, two matrices and two norms."""
    return _matrices(
        (features, 3 * features), (features, features), (features, units), (units, features),
        (1, features), (1, features),  # the two norms
        bias=bias,
    )  # fmt: skip


class MultiheadAttention(Layer, frozen=True):
    """Every position takes a weighted mean of all positions, with learned weights.

    Formula: A = softmax(Q Kᵀ / √d)    y = A V, in each head; a matrix joins the heads
      Q, K, V = x W_q, x W_k, x W_v
    Use: where distant positions must interact in one step. Put it into a Residual with a
      LayerNorm.
    Pitfall: it ignores the order: add a PositionalEncoding first. A language model without
      causal=true sees the answer: the loss falls to nearly 0, and the text is nonsense.
    Source: Vaswani et al. 2017; torch.nn.MultiheadAttention
    """

    num_heads: Heads
    dropout: Dropped = 0.0
    bias: Bias = True
    causal: Causal = False
    memory: Memory = None
    window: Window = None

    family: ClassVar[str] = "attention"
    example: ClassVar[str] = "4"
    second_input: ClassVar[str] = "memory"

    def output_shape(self, shape: Shape) -> Shape:
        check_memory(self, shape)
        if self.memory is not None and (self.causal or self.window):
            name = "causal" if self.causal else "window"
            raise InputError(
                f"{name} compares positions of one sequence, and memory is another: remove one"
            )
        return check_heads(self, shape)

    def count_parameters(self, shape: Shape) -> int:
        features, memory = shape[-1], second_shape(shape)[-1]
        keys_values = (memory, 2 * features)
        return _matrices((features, features), keys_values, (features, features), bias=self.bias)


class TransformerEncoderLayer(Layer, frozen=True):
    """Attention, then a small network at every position, each with a shortcut and a norm.

    Formula: x ← norm(x + attention(x))    x ← norm(x + W₂ f(W₁ x))
      norm_first: x ← x + attention(norm(x))    x ← x + W₂ f(W₁ norm(x))
    Use: several in a Repeat make a transformer that classifies sequences or images.
    Pitfall: with norm_first=false, deep stacks need a learning-rate warmup or they do not learn.
      The default dim_feedforward of 2048 is far too large for few features.
    Source: Vaswani et al. 2017; Xiong et al. 2020 (norm_first); torch.nn.TransformerEncoderLayer
    """

    nhead: Heads
    dim_feedforward: Annotated[int, knob("Hidden units, W₁", ge=1, le=1_000_000)] = 2048
    dropout: Dropped = 0.1
    activation: Annotated[Literal["relu", "gelu"], knob("f, between the two matrices")] = "relu"
    layer_norm_eps: Annotated[
        float, knob("Added to the variance of the norms, for stability", gt=0, le=1)
    ] = 1e-5
    norm_first: Annotated[bool, knob("Normalize before each part instead of after")] = False
    bias: Bias = True
    causal: Causal = False
    window: Window = None

    family: ClassVar[str] = "attention"
    example: ClassVar[str] = "4"

    def output_shape(self, shape: Shape) -> Shape:
        return check_heads(self, shape, "nhead")

    def count_parameters(self, shape: Shape) -> int:
        return _count_transformer(shape[-1], self.dim_feedforward, self.bias)


class TransformerDecoderLayer(Layer, frozen=True):
    """Attention to itself, attention to a memory, then a small network at every position.

    Formula: x ← norm(x + attention(x))    x ← norm(x + attention(x, memory))
      x ← norm(x + W₂ f(W₁ x)); norm_first: the norms come before each part instead
    Use: Save memory above, at the end of the encoder, then several of these with memory=memory in a
      Repeat: every position collects from all positions of the memory (cross-attention).
    Pitfall: to generate step by step it needs causal=true; for a language model without an encoder
      use DecoderBlock.
    Source: Vaswani et al. 2017; torch.nn.TransformerDecoderLayer
    """

    nhead: Heads
    dim_feedforward: Annotated[int, knob("Hidden units, W₁", ge=1, le=1_000_000)] = 2048
    dropout: Dropped = 0.1
    activation: Annotated[Literal["relu", "gelu"], knob("f, between the two matrices")] = "relu"
    layer_norm_eps: Annotated[
        float, knob("Added to the variance of the norms, for stability", gt=0, le=1)
    ] = 1e-5
    norm_first: Annotated[bool, knob("Normalize before each part instead of after")] = False
    bias: Bias = True
    causal: Causal = False
    memory: Memory = None
    window: Window = None

    family: ClassVar[str] = "attention"
    example: ClassVar[str] = "4"
    second_input: ClassVar[str] = "memory"

    def output_shape(self, shape: Shape) -> Shape:
        check_heads(self, shape, "nhead")
        if (features := check_memory(self, shape)[1]) != shape[1]:
            raise InputError(
                f"memory has {features} features and the layer's input {shape[1]}: put Linear "
                f"{shape[1]} before its Save"
            )
        return shape

    def count_parameters(self, shape: Shape) -> int:
        features = shape[-1]
        cross = _matrices((features, 3 * features), (features, features), (1, features),
                          bias=self.bias)  # fmt: skip
        return _count_transformer(features, self.dim_feedforward, self.bias) + cross


class DecoderBlock(Layer, frozen=True):
    """A causal transformer layer as in GPT-2: no position sees later positions.

    Formula: x ← x + attention(norm(x))    x ← x + W₂ GELU(W₁ norm(x))
    Use: a language model: Embedding, PositionalEncoding, several of these in a Repeat,
      LayerNorm, Linear.
    Pitfall: a position sees only the previous ones; for one output per sequence use
      SelectPosition -1, never 0.
    Source: Radford et al. 2019 (GPT-2)
    """

    num_heads: Heads
    dim_feedforward: Annotated[
        Annotated[int, Meta(ge=1, le=1_000_000)] | None,
        knob("Hidden units, W₁; none: four times the features"),
    ] = None
    dropout: Dropped = 0.0
    bias: Bias = True

    family: ClassVar[str] = "attention"
    example: ClassVar[str] = "4"

    def output_shape(self, shape: Shape) -> Shape:
        return check_heads(self, shape)

    def count_parameters(self, shape: Shape) -> int:
        units = self.dim_feedforward or 4 * shape[-1]
        return _count_transformer(shape[-1], units, self.bias)
