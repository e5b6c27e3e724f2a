"""Gains: what weights are multiplied by so that the next activation preserves the mean square."""

from collections.abc import Callable
from math import inf, sqrt
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules import activation

Activation = Callable[[Tensor], Tensor]
"""A module or function that acts on each value separately."""

NOT_ELEMENTWISE = (
    nn.MultiheadAttention, nn.Softmax, nn.Softmax2d, nn.LogSoftmax, nn.Softmin, nn.GLU
)  # fmt: skip
"""Modules in torch's file of activations that do not act on each value separately."""

TORCH_NAMES: dict[Any, str] = {
    nn.Tanh: "tanh", nn.Sigmoid: "sigmoid", nn.ReLU: "relu",
    functional.tanh: "tanh", functional.sigmoid: "sigmoid", functional.relu: "relu",
}  # fmt: skip
"""The activations whose gain PyTorch knows."""


GAIN_LIMITS = (0.05, 20.0)
"""Where a gain is searched for."""


def gain_of(activation: Activation | None) -> float:
    """Returns PyTorch's gain where there is one, else the one that preserves the mean square."""
    if activation is None:
        return 1.0
    name = TORCH_NAMES.get(type(activation), TORCH_NAMES.get(activation))
    if name is not None:
        return float(nn.init.calculate_gain(name))  # type: ignore[arg-type]
    if isinstance(activation, nn.PReLU):
        return float(nn.init.calculate_gain("leaky_relu", activation.weight.mean().item()))
    return measure_gain(activation)


@torch.no_grad()
def measure_gain(activation: Activation) -> float:
    """Returns the gain g with E[f(g z)²] = 1 for a standard normal z, by 10,000 quantiles.

    Then inputs with mean square 1 lead to outputs with mean square 1, layer after layer. For
    functions that do not scale, such as SiLU, 1 ∕ √E[f(z)²] is something else: it makes the first
    output too large, and each further one larger. It is the answer where the output stays below 1.

    The mean square 1 is a fixed point, which is not stable for every function: a deviation is
    multiplied in each layer by 0.9 for ELU, 1 for ReLU, 1.08 for GELU, 1.15 for SiLU and 1.2 for
    Hardswish. f(z) ∕ z grows with z there, so that no other gain has a stable one: an example that
    begins a little smaller shrinks, and one that begins a little larger grows.
    """
    z = torch.special.ndtri((torch.arange(10_000, dtype=torch.float64) + 0.5) / 10_000)

    def mean_square(gain: float) -> float:
        return float(activation((gain * z).float()).double().square().mean())

    low, high = GAIN_LIMITS
    if not mean_square(low) < 1 < mean_square(high):
        square = mean_square(1.0)
        return 1 / sqrt(square) if 0 < square < inf else 1.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (middle, high) if mean_square(middle) < 1 else (low, middle)
    return low


def following_activations(
    network: nn.Module, layers: tuple[type, ...]
) -> dict[nn.Module, Activation | None]:
    """Returns the activation between each layer of these types and the next, or None."""
    activations: dict[nn.Module, Activation | None] = {}
    following: Activation | None = None
    for module in reversed(list(network.modules())):
        if isinstance(module, layers):
            activations[module], following = following, None
        elif _is_activation(module):
            following = module
        elif isinstance(module, (nn.TransformerEncoderLayer, nn.TransformerDecoderLayer)):
            activations[module.linear1] = module.activation
    return activations


def _is_activation(module: nn.Module) -> bool:
    is_declared_there = type(module).__module__ in (
        activation.__name__, "tuilab.engine.model.layers.activation"
    )  # fmt: skip
    return is_declared_there and not isinstance(module, NOT_ELEMENTWISE)
