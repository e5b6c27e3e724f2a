"""Builders of convolutions."""

from torch import nn

from tuilab.core.catalogue.layers.convolution import Conv1d, Conv2d, ConvTranspose2d
from tuilab.core.network.layer import Shape
from tuilab.engine.model.layers.builders import module, torch_module


@module(Conv1d, Conv2d, ConvTranspose2d)
def convolution(layer: Conv1d | Conv2d | ConvTranspose2d, shape: Shape) -> nn.Module:
    """Builds a convolution for the channels of its input."""
    return torch_module(layer, shape[0])
