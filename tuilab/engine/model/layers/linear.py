"""Builders of fully connected layers."""

from torch import nn

from tuilab.core.catalogue.layers.linear import Linear
from tuilab.core.network.layer import Shape
from tuilab.engine.model.layers.builders import module, torch_module


@module(Linear)
def linear(layer: Linear, shape: Shape) -> nn.Module:
    """Builds a Linear for the features of its input."""
    return torch_module(layer, shape[-1])
