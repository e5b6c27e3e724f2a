"""Layers that run the learner's own code from the exercises of the course."""

from typing import Annotated, ClassVar, Literal

from tuilab.core.catalogue.layers.attention import Causal, Heads, check_heads
from tuilab.core.catalogue.layers.linear import Constant, Outputs
from tuilab.core.catalogue.layers.normalization import Eps, Momentum
from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import knob
from tuilab.core.network.layer import Layer, Shape, format_shape

ACTIVATION_LAYERS = {
    "step": "Step", "sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "ReLU",
    "leaky_relu": "LeakyReLU", "elu": "ELU", "selu": "SELU", "gelu": "GELU", "silu": "SiLU",
}  # fmt: skip
"""The standard activation layers by the names of the exercises' functions."""


class OwnLinear(Layer, frozen=True):
    """Every output is a weighted sum of all inputs plus a bias, by your own code.

    Formula: y = x Wᵀ + b, by your function linear
    Use: in place of Linear, once your exercise forward-pass has passed.
    Pitfall: the backward pass is torch's: autograd differentiates your operations.
    Source: your exercises' folder, forward-pass.py; it must pass again after every change
    """

    out_features: Outputs
    bias: Constant = True

    family: ClassVar[str] = "linear"

    def output_shape(self, shape: Shape) -> Shape:
        return (*shape[:-1], self.out_features)

    def count_parameters(self, shape: Shape) -> int:
        return self.out_features * (shape[-1] + self.bias)


class OwnActivation(Layer, frozen=True):
    """An activation function and its derivative, by your own code.

    Formula: forward f(x), backward f′(x) times the incoming gradient: your two functions
    Use: in place of an activation, once your exercise activations has passed.
    Pitfall: with step no layer before it learns: your derivative is 0.
    Source: your exercises' folder, activations.py; it must pass again after every change
    """

    function: Annotated[
        Literal["step", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "selu", "gelu", "silu"],
        knob("Which of your functions"),
    ] = "relu"

    family: ClassVar[str] = "activation"


class OwnDropout(Layer, frozen=True):
    """Sets random values to zero in training, by your own code.

    Formula: y = x ⊙ mask ∕ (1 − p), backward likewise: your two functions
    Use: in place of Dropout, once your exercise dropout has passed.
    Pitfall: like Dropout, it makes a network worse that is too small.
    Source: your exercises' folder, dropout.py; it must pass again after every change
    """

    p: Annotated[float, knob("Probability of dropping each value", ge=0, lt=1, live=True)] = 0.5

    family: ClassVar[str] = "regularization"


class OwnBatchNorm(Layer, frozen=True):
    """Normalizes features by the mean and variance of the batch, by your own code.

    Formula: y = γ (x − μ) ∕ √(σ² + ε) + β, forward and backward: your three functions
    Use: in place of BatchNorm1d on [features], once your exercise batch-norm has passed.
    Pitfall: like BatchNorm1d, it needs batches of more than one example.
    Source: your exercises' folder, batch-norm.py; it must pass again after every change
    """

    eps: Eps = 1e-5
    momentum: Momentum = 0.1

    family: ClassVar[str] = "normalization"

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 1:
            raise InputError(f"OwnBatchNorm expects [features], but got {format_shape(shape)}")
        return shape

    def count_parameters(self, shape: Shape) -> int:
        return 2 * shape[0]


class OwnAttention(Layer, frozen=True):
    """Every position takes a weighted mean of all positions, by your own code.

    Formula: your function multi_head, with four learned matrices
    Use: in place of MultiheadAttention with bias=false, once your exercise attention has passed.
    Pitfall: it ignores the order: add a PositionalEncoding first.
    Source: your exercises' folder, attention.py; it must pass again after every change
    """

    num_heads: Heads
    causal: Causal = False

    family: ClassVar[str] = "attention"
    example: ClassVar[str] = "4"

    def output_shape(self, shape: Shape) -> Shape:
        return check_heads(self, shape)

    def count_parameters(self, shape: Shape) -> int:
        return 4 * shape[-1] ** 2


STANDARD_LAYERS: dict[type[Layer], str] = {
    OwnLinear: "Linear", OwnDropout: "Dropout", OwnBatchNorm: "BatchNorm1d",
    OwnAttention: "MultiheadAttention",
}  # fmt: skip
"""The standard layer that each of them replaces."""


def standard_name(layer: Layer) -> str:
    """Returns the name of a layer; for one of the learner's, that of the layer it replaces."""
    if isinstance(layer, OwnActivation):
        return ACTIVATION_LAYERS[layer.function]
    return STANDARD_LAYERS.get(type(layer), type(layer).__name__)
