"""Random layers that torch lacks: DropConnect and the sampling of a variational autoencoder."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from tuilab.core.catalogue.layers import dropout as catalogue
from tuilab.engine.model.layers.builders import module_class


@module_class(catalogue.DropConnect, -1)
class DropConnect(nn.Linear):
    """A Linear whose individual weights and biases are dropped in training (Wan et al. 2013).

    Each example has its own mask, as in the paper; the rest is scaled up, so that evaluation is
    the mean.
    """

    def __init__(self, in_features: int, out_features: int, p: float, bias: bool) -> None:
        super().__init__(in_features, out_features, bias)
        self.p = p

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 (torch's name)
        """Maps [batch, …, in_features] to [batch, …, out_features]."""
        if not self.training or self.p == 0:
            return super().forward(input)
        rows = input.reshape(len(input), -1, self.in_features)
        weights = self._drop(self.weight, len(input))  # [batch, out_features, in_features]
        output = rows @ weights.transpose(1, 2)
        if self.bias is not None:
            output = output + self._drop(self.bias, len(input))[:, None]
        return output.reshape(*input.shape[:-1], self.out_features)

    def _drop(self, weight: Tensor, examples: int) -> Tensor:
        return functional.dropout(weight.expand(examples, *weight.shape), self.p)


MAX_LOG_VARIANCE = 20.0
"""The exponential of a log-variance goes on as a straight line from here; it overflows at 89."""


@module_class(catalogue.Reparameterization)
class Reparameterization(nn.Module):
    """The reparameterization trick of a variational autoencoder (Kingma and Welling 2014)."""

    kl: Tensor
    "KL(N(μ, σ²) ‖ N(0, 1)) of the last batch, summed over the code, mean over the examples: []."

    def forward(self, x: Tensor) -> Tensor:
        """Maps means and log-variances, [batch, …, 2k], to samples, [batch, …, k].

        In evaluation it returns the means.
        """
        mean, log_variance = x.chunk(2, dim=-1)
        wide, logs = x.to(torch.promote_types(x.dtype, torch.float32)).chunk(2, dim=-1)
        slope = logs.clamp(max=MAX_LOG_VARIANCE).exp()
        variance = slope * (1 + (logs - MAX_LOG_VARIANCE).relu())
        self.kl = (wide.square() + variance - 1 - logs).sum() / (2 * len(x))
        if not self.training:
            return mean
        std = (log_variance.clamp(max=MAX_LOG_VARIANCE) / 2).exp()
        return mean + std * torch.randn_like(mean)

    def __getstate__(self) -> dict[str, Any]:
        """Leaves out the last divergence: a tensor inside a graph cannot be copied."""
        return {name: value for name, value in self.__dict__.items() if name != "kl"}
