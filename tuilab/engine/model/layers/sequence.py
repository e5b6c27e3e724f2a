"""Modules over sequences [batch, length, features]: recurrent ones, and reductions."""

import warnings
from typing import Any, cast

import torch
from torch import Tensor, nn

from tuilab.core.catalogue.layers import sequence as catalogue
from tuilab.core.network.layer import Shape
from tuilab.engine.model.layers.builders import module, module_class


class Recurrent(nn.Module):
    """A recurrent network of torch that returns either all states or the last one."""

    def __init__(self, inside: nn.RNNBase, returns: str) -> None:
        super().__init__()
        self.inside, self.returns = inside, returns

    def forward(self, x: Tensor) -> Tensor:
        """Maps [batch, length, features] to states of the top layer.

        Returns:
            All states, [batch, length, directions * hidden_size], or the last one of each
            direction, [batch, directions * hidden_size].
        """
        states, last = self.inside(x)
        if self.returns == "sequence":
            return cast(Tensor, states)
        hidden: Tensor = last[0] if isinstance(last, tuple) else last
        top = hidden[-(1 + self.inside.bidirectional) :]  # [directions, batch, hidden_size]
        return top.transpose(0, 1).flatten(1)


@module(catalogue.RNN, catalogue.LSTM, catalogue.GRU)
def recurrent(layer: catalogue.RNN | catalogue.LSTM | catalogue.GRU, shape: Shape) -> nn.Module:
    """Builds the torch class of the same name; arguments unknown to torch are applied here."""
    more: dict[str, Any] = {}
    if isinstance(layer, catalogue.RNN):
        more = {"nonlinearity": layer.nonlinearity}
    elif isinstance(layer, catalogue.LSTM):
        more = {"proj_size": layer.proj_size}
        warnings.filterwarnings("ignore", message="LSTM with projections")  # only slower on a CPU
    inside: nn.RNNBase = getattr(nn, type(layer).__name__)(
        shape[-1], layer.hidden_size, layer.num_layers, bias=layer.bias, batch_first=True,
        dropout=layer.dropout, bidirectional=layer.bidirectional, **more,
    )  # fmt: skip
    if isinstance(layer, catalogue.LSTM) and layer.forget_bias is not None:
        set_forget_bias(cast(nn.LSTM, inside), layer.forget_bias)
    return Recurrent(inside, layer.returns)


@torch.no_grad()
def set_forget_bias(lstm: nn.LSTM, bias: float) -> None:
    """Sets the bias of the forget gates (Jozefowicz et al. 2015).

    torch adds two biases, bias_ih and bias_hh, in the order i, f, g, o; here the first gets all.
    """
    lstm.forget_bias = bias  # initializations keep it
    gate = slice(lstm.hidden_size, 2 * lstm.hidden_size)
    for name, parameter in lstm.named_parameters():
        if name.startswith("bias"):
            parameter[gate] = bias if name.startswith("bias_ih") else 0.0


@module_class(catalogue.SelectPosition)
class SelectPosition(nn.Module):
    """Selects one position of every sequence."""

    def __init__(self, index: int) -> None:
        super().__init__()
        self.index = index

    def forward(self, x: Tensor) -> Tensor:
        """Maps [batch, length, features] to [batch, features]."""
        return x[:, self.index]


@module_class(catalogue.MeanOverPositions)
class MeanOverPositions(nn.Module):
    """Averages every sequence over its positions."""

    def forward(self, x: Tensor) -> Tensor:
        """Maps [batch, length, features] to [batch, features]."""
        return x.mean(dim=1)


@module_class(catalogue.Transpose)
class Transpose(nn.Module):
    """Swaps the two dimensions of every example."""

    def forward(self, x: Tensor) -> Tensor:
        """Maps [batch, length, features] to [batch, features, length]."""
        return x.transpose(1, 2)
