"""Recurrent layers over sequences [length, features], and layers that reduce a sequence."""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import knob
from tuilab.core.network.layer import Layer, Shape, format_shape


def check_sequence(layer: Layer, shape: Shape) -> tuple[int, int]:
    """Returns length and features of a sequence; raises InputError for any other shape."""
    if len(shape) == 2:
        return shape[0], shape[1]
    instead = {
        1: "remove the Flatten before it; a recurrent layer before it needs returns=sequence",
        3: "PatchEmbedding turns an image into a sequence",
    }.get(len(shape), "Flatten and Unflatten change the shape")
    raise InputError(
        f"{type(layer).__name__} expects [length, features], but got {format_shape(shape)}: "
        f"{instead}"
    )


class _Recurrent(Layer, frozen=True):
    """The base class of recurrent layers: a cell reads the sequence and carries a hidden state."""

    hidden_size: Annotated[int, knob("Size of the hidden state", ge=1, le=100_000)]
    num_layers: Annotated[
        int, knob("Stacked layers, each reading the states of the previous one", ge=1, le=100)
    ] = 1
    bias: Annotated[bool, knob("Add a learned bias to each sum")] = True
    dropout: Annotated[float, knob("Dropout probability between two layers", ge=0, lt=1)] = 0.0
    bidirectional: Annotated[bool, knob("Also read from the end to the start")] = False
    returns: Annotated[
        Literal["last", "sequence"], knob("The last state, or the state at every position")
    ] = "last"

    family: ClassVar[str] = "recurrent"
    gates: ClassVar[int] = 1
    "The weighted sums of input and state in one step of the cell."

    @property
    def state_size(self) -> int:
        """The size of the state that is passed on."""
        return self.hidden_size

    @property
    def difference(self) -> str:
        if self.returns == "sequence":
            return ""
        return "only the last state is passed on; returns=sequence passes on all of them"

    def output_shape(self, shape: Shape) -> Shape:
        length, _ = check_sequence(self, shape)
        if self.dropout and self.num_layers == 1:
            raise InputError(
                "dropout acts between layers, but num_layers=1 has only one: set num_layers=2 or "
                "more, or put a Dropout after it"
            )
        features = self.state_size * (1 + self.bidirectional)
        return (length, features) if self.returns == "sequence" else (features,)

    def count_parameters(self, shape: Shape) -> int:
        directions = 1 + self.bidirectional
        inputs = [shape[-1]] + [directions * self.state_size] * (self.num_layers - 1)
        state = self.state_size + 2 * self.bias  # torch has two biases, one for each matrix
        rows = directions * self.gates * self.hidden_size
        return rows * sum(size + state for size in inputs)


class RNN(_Recurrent, frozen=True):
    """Reads a sequence step by step and carries one hidden state along.

    Formula: hₜ = tanh(W xₜ + U hₜ₋₁ + b)
    Use: short sequences, and to see what a memory is. For more than about 20 steps use LSTM or
      GRU.
    Pitfall: the distant past fades: the gradient vanishes with every step back (or explodes,
      mostly with relu), and the loss stays where guessing is; clip the gradients.
    Source: Elman 1990; torch.nn.RNN
    """

    nonlinearity: Annotated[Literal["tanh", "relu"], knob("Activation of the state")] = "tanh"


class LSTM(_Recurrent, frozen=True):
    """A recurrent network with a memory cell that gates write, erase and read.

    Formula: cₜ = f ⊙ cₜ₋₁ + i ⊙ g    hₜ = o ⊙ tanh(cₜ)
      i, f, o = σ(W xₜ + U hₜ₋₁ + b), g = tanh(W xₜ + U hₜ₋₁ + b), each with its own weights
    Use: sequences with long-term dependencies: adding numbers, sentences, signals.
    Pitfall: a forget gate that starts half closed forgets within a few steps; forget_bias=1
      opens it. Long sequences are slow: step t waits for step t−1.
    Source: Hochreiter & Schmidhuber 1997; Jozefowicz et al. 2015 (forget_bias); Sak et al. 2014
      (proj_size); torch.nn.LSTM
    """

    forget_bias: Annotated[
        Annotated[float, Meta(ge=-10, le=10)] | None,
        knob("Initial bias of the forget gate, such as 1; none: random"),
    ] = None
    proj_size: Annotated[
        int, knob("Size that a matrix projects the hidden state to; 0: not projected", ge=0,
                  le=100_000),
    ] = 0  # fmt: skip

    gates: ClassVar[int] = 4

    @property
    def state_size(self) -> int:
        return self.proj_size or self.hidden_size

    def output_shape(self, shape: Shape) -> Shape:
        if self.forget_bias is not None and not self.bias:
            raise InputError(
                "forget_bias sets a bias, but bias=false removes it: leave out one of them"
            )
        if self.proj_size >= self.hidden_size:
            raise InputError(
                f"proj_size={self.proj_size} must be smaller than hidden_size={self.hidden_size}: "
                "it makes the state smaller"
            )
        return super().output_shape(shape)

    def count_parameters(self, shape: Shape) -> int:
        directions = 1 + self.bidirectional
        projection = self.num_layers * directions * self.hidden_size * self.proj_size
        return super().count_parameters(shape) + projection


class GRU(_Recurrent, frozen=True):
    """A recurrent network with two gates and no separate cell: a lighter LSTM.

    Formula: hₜ = (1 − z) ⊙ n + z ⊙ hₜ₋₁    n = tanh(W xₜ + b + r ⊙ (U hₜ₋₁ + c))
      z, r = σ(W xₜ + U hₜ₋₁ + b), each with its own weights
    Use: like LSTM, with a quarter fewer weights; often as good.
    Pitfall: as in every recurrent network, gradients may explode: clip them (clip_grad_norm=1).
    Source: Cho et al. 2014; torch.nn.GRU
    """

    gates: ClassVar[int] = 3


class SelectPosition(Layer, frozen=True):
    """Selects one position of a sequence and drops all others.

    Formula: y = x[index]
    Use: index=0 after a ClassToken; index=-1 for the last position of a causal network.
    Pitfall: after a causal layer, index=0 has seen only itself: the network then learns nothing
      from the other positions.
    """

    index: Annotated[
        int, knob("The position, counted from 0; −1 is the last", ge=-1_000_000, le=1_000_000)
    ]

    family: ClassVar[str] = "shape"
    example: ClassVar[str] = "-1"

    def output_shape(self, shape: Shape) -> Shape:
        length, features = check_sequence(self, shape)
        if not -length <= self.index < length:
            raise InputError(
                f"there is no position {self.index} in a sequence of {length}; "
                f"positions go from 0 to {length - 1}, or backward from -1"
            )
        return (features,)


class MeanOverPositions(Layer, frozen=True):
    """Averages a sequence over its positions.

    Formula: y = (x₁ + … + x_T) / T
    Use: one output for a whole sequence or image, where positions do not matter.
    Pitfall: the order is lost, and a single strong position among many is averaged away.
    Source: Lin et al. 2014 (global average pooling)
    """

    family: ClassVar[str] = "pooling"

    def output_shape(self, shape: Shape) -> Shape:
        return (check_sequence(self, shape)[1],)


class Transpose(Layer, frozen=True):
    """Swaps the two dimensions of an example: [length, features] becomes [features, length].

    Formula: y = xᵀ
    Use: between layers for sequences, [length, features], and Conv1d, [channels, length].
    Pitfall: the next layer often accepts both shapes, and only one of them is what you meant.
    Source: torch.transpose
    """

    family: ClassVar[str] = "shape"

    def output_shape(self, shape: Shape) -> Shape:
        length, features = check_sequence(self, shape)
        return (features, length)
