"""Layers that the learner has written, in the exercises of the course."""

from typing import Annotated, ClassVar, Literal

from tuilab.core.catalogue.layers.attention import Causal, Heads, of_heads
from tuilab.core.catalogue.layers.linear import Constant, Outputs
from tuilab.core.catalogue.layers.normalization import Eps
from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import knob
from tuilab.core.network.layer import Layer, Shape, show

ACTIVATIONS = {
    "step": "Step", "sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "ReLU",
    "leaky_relu": "LeakyReLU", "elu": "ELU", "selu": "SELU", "gelu": "GELU", "silu": "SiLU",
}  # fmt: skip
"""The layers of the lab by the names that exercises have for them."""


class OwnLinear(Layer, frozen=True):
    """Every output is a weighted sum of all inputs plus a bias, by your own code.

    Formula: y = x Wᵀ + b, by the function linear that you have written
    Use: in the place of Linear, once your exercise forward-pass has passed.
    Pitfall: the way back is torch's: its derivatives come from your operations.
    Source: your exercises' folder, forward-pass.py; it must pass again after every change
    """

    out_features: Outputs
    bias: Constant = True

    family: ClassVar[str] = "linear"

    def output(self, shape: Shape) -> Shape:
        return (*shape[:-1], self.out_features)

    def parameters(self, shape: Shape) -> int:
        return self.out_features * (shape[-1] + self.bias)


class OwnActivation(Layer, frozen=True):
    """An activation function and its derivative, by your own code.

    Formula: f(x) on the way forward, f′(x) times what comes back: your two functions
    Use: in the place of an activation, once your exercise activations has passed.
    Pitfall: with step nothing in front of it learns: your derivative is 0.
    Source: your exercises' folder, activations.py; it must pass again after every change
    """

    function: Annotated[
        Literal["step", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "selu", "gelu", "silu"],
        knob("Which of your functions"),
    ] = "relu"

    family: ClassVar[str] = "activation"


class OwnDropout(Layer, frozen=True):
    """Random values become zero in training, by your own code.

    Formula: y = x ⊙ mask ∕ (1 − p), and the same on the way back: your two functions
    Use: in the place of Dropout, once your exercise dropout has passed.
    Pitfall: as with Dropout: a network that is too small gets worse by it.
    Source: your exercises' folder, dropout.py; it must pass again after every change
    """

    p: Annotated[float, knob("Chance of each value to be dropped", ge=0, lt=1, live=True)] = 0.5

    family: ClassVar[str] = "regularization"


class OwnBatchNorm(Layer, frozen=True):
    """Features get the mean and spread of the batch, by your own code.

    Formula: y = γ (x − μ) ∕ √(σ² + ε) + β, forward and back: your three functions
    Use: in the place of BatchNorm1d on [features], once your exercise batch-norm has passed.
    Pitfall: as with BatchNorm1d: a batch of one has no spread.
    Source: your exercises' folder, batch-norm.py; it must pass again after every change
    """

    eps: Eps = 1e-5
    momentum: Annotated[
        float, knob("Weight of the newest batch in the running mean", ge=0, le=1)
    ] = 0.1

    family: ClassVar[str] = "normalization"

    def output(self, shape: Shape) -> Shape:
        if len(shape) != 1:
            raise InputError(f"OwnBatchNorm takes [features], but {show(shape)} comes in")
        return shape

    def parameters(self, shape: Shape) -> int:
        return 2 * shape[0]


class OwnAttention(Layer, frozen=True):
    """Every position takes a weighted mean of all positions, by your own code.

    Formula: multi_head as you have written it, with four matrices that are learned
    Use: in the place of MultiheadAttention with bias=false, once your exercise attention has
      passed.
    Pitfall: it has no sense of order: add a PositionalEncoding first.
    Source: your exercises' folder, attention.py; it must pass again after every change
    """

    num_heads: Heads
    causal: Causal = False

    family: ClassVar[str] = "attention"
    example: ClassVar[str] = "4"

    def output(self, shape: Shape) -> Shape:
        return of_heads(self, shape, "num_heads", self.num_heads)

    def parameters(self, shape: Shape) -> int:
        return 4 * shape[-1] ** 2


TWINS: dict[type[Layer], str] = {
    OwnLinear: "Linear", OwnDropout: "Dropout", OwnBatchNorm: "BatchNorm1d",
    OwnAttention: "MultiheadAttention",
}  # fmt: skip
"""The layers of the lab that they do the work of."""


def kind(layer: Layer) -> str:
    """The name of a layer; of one's own, that of the layer it does the work of."""
    if isinstance(layer, OwnActivation):
        return ACTIVATIONS[layer.function]
    return TWINS.get(type(layer), type(layer).__name__)
