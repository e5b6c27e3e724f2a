"""Layers over sequences [length, features]: recurrent ones, and ways out of a sequence."""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import knob
from tuilab.core.network.layer import Layer, Shape, show


def length_features(layer: Layer, shape: Shape) -> tuple[int, int]:
    """The two sizes of a sequence; InputError where the input is none."""
    if len(shape) == 2:
        return shape[0], shape[1]
    instead = {
        1: "remove the Flatten before it; after a recurrent layer, give that returns=sequence",
        3: "PatchEmbedding makes a sequence of a picture",
    }.get(len(shape), "Flatten and Unflatten change the shape")
    raise InputError(
        f"{type(layer).__name__} takes [length, features], but {show(shape)} comes in: {instead}"
    )


class _Recurrent(Layer, frozen=True):
    """One cell of weights that goes along the sequence and carries a state."""

    hidden_size: Annotated[int, knob("Numbers in the state", ge=1, le=100_000)]
    num_layers: Annotated[int, knob("Layers, each reading the states below it", ge=1, le=100)] = 1
    bias: Annotated[bool, knob("Add a learned constant to each sum")] = True
    dropout: Annotated[float, knob("Chance to drop a value between two layers", ge=0, lt=1)] = 0.0
    bidirectional: Annotated[bool, knob("Read a second time, from the end to the front")] = False
    returns: Annotated[
        Literal["last", "sequence"], knob("The state at the end, or the state at every position")
    ] = "last"

    family: ClassVar[str] = "recurrent"
    gates: ClassVar[int] = 1
    "How many sums of [input, state] one step of the cell takes."

    def output(self, shape: Shape) -> Shape:
        length, _ = length_features(self, shape)
        if self.dropout and self.num_layers == 1:
            raise InputError(
                "dropout acts between layers, and num_layers=1 has none between: set num_layers=2 "
                "or more, or put a Dropout after it"
            )
        features = self.hidden_size * (1 + self.bidirectional)
        return (length, features) if self.returns == "sequence" else (features,)

    def parameters(self, shape: Shape) -> int:
        directions = 1 + self.bidirectional
        inputs = [shape[-1]] + [directions * self.hidden_size] * (self.num_layers - 1)
        each = self.hidden_size + 2 * self.bias  # torch has two biases, one for each matrix
        rows = directions * self.gates * self.hidden_size
        return rows * sum(each + size for size in inputs)


class RNN(_Recurrent, frozen=True):
    """Reads a sequence step by step and carries one state along.

    Formula: hₜ = tanh(W xₜ + U hₜ₋₁ + b)
    Use: short sequences, and to see what a memory is. For more than about 20 steps take LSTM
      or GRU.
    Pitfall: what happened long ago fades: the gradient shrinks with every step back (or
      explodes, mostly with relu). The loss stays where guessing is; clip the gradients.
    Source: Elman 1990; torch.nn.RNN
    """

    nonlinearity: Annotated[Literal["tanh", "relu"], knob("What bends the state")] = "tanh"


class LSTM(_Recurrent, frozen=True):
    """A recurrent net with a cell that gates write to, erase and read.

    Formula: cₜ = f ⊙ cₜ₋₁ + i ⊙ g    hₜ = o ⊙ tanh(cₜ)
      i, f, o = σ(W xₜ + U hₜ₋₁ + b), g = tanh(W xₜ + U hₜ₋₁ + b), each with weights of its own
    Use: sequences where something long ago matters: adding numbers, sentences, signals.
    Pitfall: a forget gate that begins half shut forgets within a few steps; forget_bias=1
      opens it. Long sequences are slow: step t waits for step t−1.
    Source: Hochreiter & Schmidhuber 1997; Jozefowicz et al. 2015 (forget_bias); torch.nn.LSTM
    """

    forget_bias: Annotated[
        Annotated[float, Meta(ge=-10, le=10)] | None,
        knob("Where the bias of the forget gate begins, such as 1; none: by chance"),
    ] = None

    gates: ClassVar[int] = 4

    def output(self, shape: Shape) -> Shape:
        if self.forget_bias is not None and not self.bias:
            raise InputError(
                "forget_bias sets a bias, but bias=false leaves none: drop one of them"
            )
        return super().output(shape)


class GRU(_Recurrent, frozen=True):
    """A recurrent net with two gates and no separate cell: a lighter LSTM.

    Formula: hₜ = (1 − z) ⊙ n + z ⊙ hₜ₋₁    n = tanh(W xₜ + b + r ⊙ (U hₜ₋₁ + c))
      z, r = σ(W xₜ + U hₜ₋₁ + b), each with weights of its own
    Use: like LSTM, with a quarter fewer weights; often as good.
    Pitfall: as with every recurrent net, gradients may explode: clip them (clip_grad_norm=1).
    Source: Cho et al. 2014; torch.nn.GRU
    """

    gates: ClassVar[int] = 3


class SelectPosition(Layer, frozen=True):
    """Takes one position of a sequence and drops all others.

    Formula: y = x[index]
    Use: index=0 after a ClassToken; index=-1 for the last position of a causal net.
    Pitfall: index=0 of a causal layer has seen only itself: the net then learns nothing from
      the rest.
    """

    index: Annotated[int, knob("Which one, from 0; −1 is the last", ge=-1_000_000, le=1_000_000)]

    family: ClassVar[str] = "shape"
    example: ClassVar[str] = "-1"

    def output(self, shape: Shape) -> Shape:
        length, features = length_features(self, shape)
        if not -length <= self.index < length:
            raise InputError(
                f"there is no position {self.index} in a sequence of {length}; "
                f"they go from 0 to {length - 1}, or back from -1"
            )
        return (features,)


class MeanOverPositions(Layer, frozen=True):
    """Averages a sequence over its length.

    Formula: y = (x₁ + … + x_T) / T
    Use: one answer for a whole sequence or picture, where it does not matter where a thing was.
    Pitfall: order is lost here. A single strong position among many is averaged away.
    Source: Lin et al. 2014 (global average pooling)
    """

    family: ClassVar[str] = "pooling"

    def output(self, shape: Shape) -> Shape:
        return (length_features(self, shape)[1],)


class Transpose(Layer, frozen=True):
    """Swaps the two sizes of an example: [length, features] becomes [features, length].

    Formula: y = xᵀ
    Use: between layers for sequences, [length, features], and Conv1d, [channels, length].
    Pitfall: both shapes are often accepted by what follows, and only one means what you meant.
    Source: torch.transpose
    """

    family: ClassVar[str] = "shape"

    def output(self, shape: Shape) -> Shape:
        length, features = length_features(self, shape)
        return (features, length)
