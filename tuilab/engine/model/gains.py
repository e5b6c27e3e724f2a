"""What a layer's weights are multiplied by so that the activation after it keeps the signal."""

from collections.abc import Callable
from math import sqrt
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules import activation

Follower = Callable[[Tensor], Tensor]
"""A module or a function of each value alone."""

LINEAR = (nn.MultiheadAttention, nn.Softmax, nn.Softmax2d, nn.LogSoftmax, nn.Softmin, nn.GLU)
"""What torch files under activations but is no function of each value alone."""

NAMED: dict[Any, str] = {
    nn.Tanh: "tanh", nn.Sigmoid: "sigmoid", nn.ReLU: "relu",
    functional.tanh: "tanh", functional.sigmoid: "sigmoid", functional.relu: "relu",
}  # fmt: skip
"""Those whose gain PyTorch knows."""


def gain_of(follower: Follower | None) -> float:
    """PyTorch's gain where it has one, else 1 ∕ √E[f(z)²] for a standard normal z."""
    if follower is None:
        return 1.0
    name = NAMED.get(type(follower), NAMED.get(follower))
    if name is not None:
        return float(nn.init.calculate_gain(name))  # type: ignore[arg-type]
    if isinstance(follower, nn.PReLU):
        return float(nn.init.calculate_gain("leaky_relu", follower.weight.mean().item()))
    return measured(follower)


@torch.no_grad()
def measured(follower: Follower) -> float:
    """1 ∕ √E[f(z)²] over 10 000 quantiles of a standard normal."""
    z = torch.special.ndtri((torch.arange(10_000, dtype=torch.float64) + 0.5) / 10_000)
    square = follower(z.float()).square().mean().item()
    return 1 / sqrt(square) if square > 0 else 1.0


def followers(network: nn.Module, layers: tuple[type, ...]) -> dict[nn.Module, Follower | None]:
    """The activation between each layer of these types and the next; None where there is none."""
    found: dict[nn.Module, Follower | None] = {}
    coming: Follower | None = None
    for module in reversed(list(network.modules())):
        if isinstance(module, layers):
            found[module], coming = coming, None
        elif _is_activation(module):
            coming = module
        elif isinstance(module, (nn.TransformerEncoderLayer, nn.TransformerDecoderLayer)):
            found[module.linear1] = module.activation
    return found


def _is_activation(module: nn.Module) -> bool:
    home = type(module).__module__
    is_one = home in (activation.__name__, "tuilab.engine.model.layers.activation")
    return is_one and not isinstance(module, LINEAR)
