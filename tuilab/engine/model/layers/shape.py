"""Builders of layers that change the shape of an example."""

from torch import nn

from tuilab.core.catalogue.layers.shape import Unflatten
from tuilab.core.network.layer import Shape
from tuilab.engine.model.layers.builders import module, torch_module


@module(Unflatten)
def unflatten(layer: Unflatten, shape: Shape) -> nn.Module:
    """Builds an Unflatten of the first dimension after the batch."""
    return torch_module(layer, dim=1)
