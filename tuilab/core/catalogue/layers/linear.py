"""Fully connected layers."""

from typing import Annotated, ClassVar

from tuilab.core.experiment.knobs import knob
from tuilab.core.network.layer import Layer, Shape

Outputs = Annotated[int, knob("Number of outputs", ge=1, le=10_000_000)]
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

    out_features: Outputs
    bias: Constant = True

    family: ClassVar[str] = "linear"

    def output_shape(self, shape: Shape) -> Shape:
        return (*shape[:-1], self.out_features)

    def count_parameters(self, shape: Shape) -> int:
        return self.out_features * (shape[-1] + self.bias)
