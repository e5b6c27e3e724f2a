"""Builders of convolutions."""

from torch import nn

from tuilab.core.catalogue.layers import convolution as catalogue
from tuilab.core.network.layer import Layer, Shape
from tuilab.engine.model.layers.builders import module, torch_module


@module(
    catalogue.Conv1d, catalogue.Conv2d, catalogue.Conv3d, catalogue.ConvTranspose1d,
    catalogue.ConvTranspose2d, catalogue.ConvTranspose3d,
)  # fmt: skip
def convolution(layer: Layer, shape: Shape) -> nn.Module:
    """Builds a convolution for the channels of its input."""
    return torch_module(layer, shape[0])
