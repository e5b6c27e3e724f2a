"""Modules over the nodes of a graph, [batch, nodes, features]."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from tuilab.core.catalogue.layers import graph as catalogue
from tuilab.engine.model.layers.builders import module_class


def normalize_adjacency(adjacency: Tensor) -> Tensor:
    """Returns D^−½ (A + I) D^−½, [nodes, nodes], of an adjacency matrix A, [nodes, nodes].

    Source: Kipf & Welling 2017.
    """
    with_self = adjacency + torch.eye(len(adjacency), device=adjacency.device)
    scale = with_self.sum(dim=1).rsqrt()
    return scale[:, None] * with_self * scale


@module_class(catalogue.GraphConvolution, -1)
class GraphConvolution(nn.Linear):
    """A Linear whose outputs are mixed along the edges, which `build_network.connect` sets."""

    adjacency: Tensor | None

    def __init__(self, in_features: int, out_features: int, bias: bool) -> None:
        super().__init__(in_features, out_features, bias)
        self.register_buffer("adjacency", None, persistent=False)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 (torch's name)
        """Maps [batch, nodes, in_features] to [batch, nodes, out_features]."""
        if self.adjacency is None:
            raise RuntimeError("this network has not been connected to a graph")
        mixed = self.adjacency @ functional.linear(input, self.weight)
        return mixed if self.bias is None else mixed + self.bias
