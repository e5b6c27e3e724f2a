"""Fully connected layers."""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import knob
from tuilab.core.network.layer import Layer, Shape, format_shape, second_shape

Outputs = Annotated[int, knob("Number of outputs", ge=1, le=10_000_000)]
AutoOutputs = Annotated[
    Annotated[int, Meta(ge=1, le=10_000_000)] | Literal["auto"],
    knob("Number of outputs; auto: as many as the data, the task and the loss need"),
]
Constant = Annotated[bool, knob("Add a learned bias to each output")]


class Linear(Layer, frozen=True):
    """Every output is a weighted sum of all inputs plus a bias.

    Formula: y = W x + b
    Use: everywhere: the hidden layers of a fully connected network, and the last layer of nearly
      every other, with one output per class.
    Pitfall: it acts on the last dimension only, so images need a Flatten before it; and without
      an activation in between, two of them can do no more than one.
    Source: torch.nn.Linear
    """

    out_features: AutoOutputs
    bias: Constant = True

    family: ClassVar[str] = "linear"

    @property
    def outputs(self) -> int:
        """The number of outputs; raises InputError where the data has to say it first."""
        if self.out_features == "auto":
            raise InputError("auto needs data and a task that say how many outputs are needed")
        return self.out_features

    def output_shape(self, shape: Shape) -> Shape:
        return (*shape[:-1], self.outputs)

    def count_parameters(self, shape: Shape) -> int:
        return self.outputs * (shape[-1] + self.bias)


class Bilinear(Layer, frozen=True):
    """Every output is a weighted sum of all products of one value of each of two inputs.

    Formula: y[o] = x₁ᵀ W[o] x₂ + b[o]
    Use: to compare or combine two vectors: Save a above, then Bilinear 16 input2=a. Without input2
      both are the layer's input, and it computes all of its squares and products.
    Pitfall: it has inputs₁ · inputs₂ weights per output: make both inputs small.
    Source: torch.nn.Bilinear
    """

    out_features: Outputs
    bias: Constant = True
    input2: Annotated[
        str | None, knob("The name of the second input, from a Save; none: the layer's input")
    ] = None

    family: ClassVar[str] = "linear"
    second_input: ClassVar[str] = "input2"

    def output_shape(self, shape: Shape) -> Shape:
        second = second_shape(shape)
        if shape[:-1] != second[:-1]:
            raise InputError(
                f"Bilinear combines inputs that differ in the last dimension only, but its input "
                f"is {format_shape(shape)} and {self.input2} is {format_shape(second)}"
            )
        return (*shape[:-1], self.out_features)

    def count_parameters(self, shape: Shape) -> int:
        return self.out_features * (shape[-1] * second_shape(shape)[-1] + self.bias)
