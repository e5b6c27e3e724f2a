"""Layers over the nodes of a graph, [nodes, features]."""

from typing import Annotated, ClassVar

from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import knob
from tuilab.core.network.layer import Layer, Shape, format_shape


class GraphConvolution(Layer, frozen=True):
    """Every node takes a weighted sum over its neighbors and itself, then a Linear.

    Formula: y = Â x Wᵀ + b    Â = D^−½ (A + I) D^−½, D: degrees of the nodes, themselves included
    Use: nodes whose neighbors say something about them, as in citation and social networks.
    Pitfall: two or three are enough: each additional one mixes a wider neighborhood, until all
      nodes look the same and the accuracy falls (over-smoothing).
    Source: Kipf & Welling 2017
    """

    out_features: Annotated[int, knob("Outputs per node", ge=1, le=1_000_000)]
    bias: Annotated[bool, knob("Add a learned bias to each output")] = True

    family: ClassVar[str] = "graph"

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 2:
            raise InputError(
                f"GraphConvolution expects [nodes, features], but got {format_shape(shape)}; it is "
                "for data sets with a graph"
            )
        return (shape[0], self.out_features)

    def count_parameters(self, shape: Shape) -> int:
        return self.out_features * (shape[-1] + self.bias)
