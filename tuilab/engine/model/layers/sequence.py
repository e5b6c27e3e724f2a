"""Modules over sequences [n, length, features]: recurrent ones, and ways out of a sequence."""

from typing import cast

import torch
from torch import Tensor, nn

from tuilab.core.catalogue.layers import sequence as lab
from tuilab.core.network.layer import Layer, Shape
from tuilab.engine.model.layers.named import Builder


class Recurrent(nn.Module):
    """A recurrent net of torch's, with one of the two things that it returns."""

    def __init__(self, inside: nn.RNNBase, returns: str) -> None:
        super().__init__()
        self.inside, self.returns = inside, returns

    def forward(self, x: Tensor) -> Tensor:
        """All states of the top layer, or the last one that each direction came to."""
        states, last = self.inside(x)
        if self.returns == "sequence":
            return cast(Tensor, states)
        hidden: Tensor = last[0] if isinstance(last, tuple) else last
        top = hidden[-(1 + self.inside.bidirectional) :]  # [directions, n, hidden_size]
        return top.transpose(0, 1).flatten(1)


class SelectPosition(nn.Module):
    """One position of every sequence."""

    def __init__(self, index: int) -> None:
        super().__init__()
        self.index = index

    def forward(self, x: Tensor) -> Tensor:
        """[n, length, features] to [n, features]."""
        return x[:, self.index]


class MeanOverPositions(nn.Module):
    """The mean over the length."""

    def forward(self, x: Tensor) -> Tensor:
        """[n, length, features] to [n, features]."""
        return x.mean(dim=1)


class Transpose(nn.Module):
    """The two sizes of every example swapped."""

    def forward(self, x: Tensor) -> Tensor:
        """[n, length, features] to [n, features, length]."""
        return x.transpose(1, 2)


def _recurrent(layer: lab.RNN | lab.LSTM | lab.GRU, shape: Shape) -> nn.Module:
    """The torch class of the same name; what torch does not know stays here."""
    more = {"nonlinearity": layer.nonlinearity} if isinstance(layer, lab.RNN) else {}
    inside: nn.RNNBase = getattr(nn, type(layer).__name__)(
        shape[-1], layer.hidden_size, layer.num_layers, bias=layer.bias, batch_first=True,
        dropout=layer.dropout, bidirectional=layer.bidirectional, **more,
    )  # fmt: skip
    if isinstance(layer, lab.LSTM) and layer.forget_bias is not None:
        inside.forget_bias = layer.forget_bias  # for `initialize`
        open_forget_gates(cast(nn.LSTM, inside), layer.forget_bias)
    return Recurrent(inside, layer.returns)


@torch.no_grad()
def open_forget_gates(lstm: nn.LSTM, bias: float) -> None:
    """Let the forget gates begin at a bias (Jozefowicz et al. 2015).

    torch adds two biases, bias_ih and bias_hh, in the order i, f, g, o: the first gets it all.
    """
    lstm.forget_bias = bias  # an initialisation keeps it
    gate = slice(lstm.hidden_size, 2 * lstm.hidden_size)
    for name, parameter in lstm.named_parameters():
        if name.startswith("bias"):
            parameter[gate] = bias if name.startswith("bias_ih") else 0.0


BUILDERS: dict[type[Layer], Builder] = {
    lab.RNN: _recurrent,
    lab.LSTM: _recurrent,
    lab.GRU: _recurrent,
    lab.SelectPosition: lambda layer, shape: SelectPosition(layer.index),
    lab.MeanOverPositions: lambda layer, shape: MeanOverPositions(),
    lab.Transpose: lambda layer, shape: Transpose(),
}
