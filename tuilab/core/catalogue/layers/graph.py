"""Layers over the nodes of a graph, [nodes, features]."""

from typing import Annotated, ClassVar

from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import knob
from tuilab.core.network.layer import Layer, Shape, show


class GraphConvolution(Layer, frozen=True):
    """Every node takes a weighted sum over its neighbours and itself, then a Linear.

    Formula: y = Â x Wᵀ + b    Â = D^−½ (A + I) D^−½, D: neighbours of each node, and itself
    Use: nodes whose neighbours say something about them: papers that cite, people who know.
    Pitfall: two or three are enough: each one more mixes wider, until all nodes look the same
      and accuracy falls (over-smoothing).
    Source: Kipf & Welling 2017
    """

    out_features: Annotated[int, knob("Outputs of each node", ge=1, le=1_000_000)]
    bias: Annotated[bool, knob("Add a learned constant to each output")] = True

    family: ClassVar[str] = "graph"

    def output(self, shape: Shape) -> Shape:
        if len(shape) != 2:
            raise InputError(
                f"GraphConvolution takes [nodes, features], but {show(shape)} comes in; it is for "
                "data with a graph"
            )
        return (shape[0], self.out_features)

    def parameters(self, shape: Shape) -> int:
        return self.out_features * (shape[-1] + self.bias)
