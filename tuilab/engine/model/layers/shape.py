"""Builders of layers that change the shape of an example."""

from torch import nn

from tuilab.core.catalogue.layers.shape import Upsample
from tuilab.core.network.layer import Shape
from tuilab.engine.model.layers.builders import module, torch_module


@module(Upsample)
def upsample(layer: Upsample, shape: Shape) -> nn.Module:
    """Builds an Upsample; torch takes align_corners with interpolation only."""
    return torch_module(layer, align_corners=layer.align_corners or None)
