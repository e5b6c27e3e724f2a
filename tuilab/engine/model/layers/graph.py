"""Modules over the nodes of a graph, [n, nodes, features]."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from tuilab.core.catalogue.layers import graph as lab
from tuilab.core.network.layer import Layer
from tuilab.engine.model.layers.named import Builder


def normalized(adjacency: Tensor) -> Tensor:
    """D^−½ (A + I) D^−½ of a graph [nodes, nodes] of zeros and ones (Kipf & Welling 2017)."""
    with_self = adjacency + torch.eye(len(adjacency), device=adjacency.device)
    scale = with_self.sum(dim=1).rsqrt()
    return scale[:, None] * with_self * scale


class GraphConvolution(nn.Linear):
    """A Linear whose results are mixed along the edges; see `network.connect` for these."""

    adjacency: Tensor | None

    def __init__(self, in_features: int, out_features: int, bias: bool) -> None:
        super().__init__(in_features, out_features, bias)
        self.register_buffer("adjacency", None, persistent=False)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 (torch's name)
        """[n, nodes, in_features] to [n, nodes, out_features]."""
        if self.adjacency is None:
            raise RuntimeError("this network has not been connected to a graph")
        mixed = self.adjacency @ functional.linear(input, self.weight)
        return mixed if self.bias is None else mixed + self.bias


BUILDERS: dict[type[Layer], Builder] = {
    lab.GraphConvolution: lambda layer, shape: GraphConvolution(
        shape[-1], layer.out_features, layer.bias
    ),
}
