"""Builders of fully connected layers."""

from torch import Tensor, nn

from tuilab.core.catalogue.layers import linear as catalogue
from tuilab.core.network.layer import Shape, second_shape
from tuilab.engine.model.layers.builders import module, torch_module
from tuilab.engine.model.layers.save import SecondInput


@module(catalogue.Linear)
def linear(layer: catalogue.Linear, shape: Shape) -> nn.Module:
    """Builds a Linear for the features of its input."""
    return torch_module(layer, shape[-1])


class Bilinear(nn.Bilinear):
    """torch's Bilinear of its input and a second one."""

    def __init__(self, first: int, second: int, out_features: int, bias: bool) -> None:
        super().__init__(first, second, out_features, bias)
        self.second_input = SecondInput()

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        """Maps [batch, …, first] to [batch, …, out_features]."""
        return super().forward(x, self.second_input.read(x))


@module(catalogue.Bilinear)
def bilinear(layer: catalogue.Bilinear, shape: Shape) -> nn.Module:
    """Builds a Bilinear for the features of both inputs."""
    return Bilinear(shape[-1], second_shape(shape)[-1], layer.out_features, layer.bias)
