"""Layers that drop or draw by chance, where torch has none."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from tuilab.core.catalogue.layers import dropout as lab
from tuilab.core.network.layer import Layer
from tuilab.engine.model.layers.named import Builder


class DropConnect(nn.Linear):
    """A Linear that loses single weights and biases in training (Wan et al. 2013).

    Each example has a mask of its own, as in the paper; what remains is scaled up, so that
    evaluation is the mean.
    """

    def __init__(self, in_features: int, out_features: int, p: float, bias: bool) -> None:
        super().__init__(in_features, out_features, bias)
        self.p = p

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 (torch's name)
        """[n, …, in_features] to [n, …, out_features]."""
        if not self.training or self.p == 0:
            return super().forward(input)
        rows = input.reshape(len(input), -1, self.in_features)
        weights = self._masked(self.weight, len(input))  # [n, out_features, in_features]
        output = rows @ weights.transpose(1, 2)
        if self.bias is not None:
            output = output + self._masked(self.bias, len(input))[:, None]
        return output.reshape(*input.shape[:-1], self.out_features)

    def _masked(self, weight: Tensor, examples: int) -> Tensor:
        return functional.dropout(weight.expand(examples, *weight.shape), self.p)


class Reparameterization(nn.Module):
    """Draws the code of a variational autoencoder (Kingma and Welling 2014)."""

    kl: Tensor
    "KL(N(μ, σ²) ‖ N(0, 1)) of the last batch, summed over the code, mean over the examples."

    def forward(self, x: Tensor) -> Tensor:
        """[n, …, 2k] to [n, …, k]: means and logarithms of variances to a draw, or to the mean."""
        mean, log_variance = x.chunk(2, dim=-1)
        wide, logs = x.to(torch.promote_types(x.dtype, torch.float32)).chunk(2, dim=-1)
        self.kl = (wide.square() + logs.exp() - 1 - logs).sum() / (2 * len(x))
        if not self.training:
            return mean
        return mean + (log_variance / 2).exp() * torch.randn_like(mean)

    def __getstate__(self) -> dict[str, Any]:
        """All but the last divergence: a tensor inside a graph cannot be copied."""
        return {name: value for name, value in self.__dict__.items() if name != "kl"}


BUILDERS: dict[type[Layer], Builder] = {
    lab.DropConnect: lambda layer, shape: DropConnect(
        shape[-1], layer.out_features, layer.p, layer.bias
    ),
    lab.Reparameterization: lambda layer, shape: Reparameterization(),
}
