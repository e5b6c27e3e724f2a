"""Builders of normalization layers."""

from math import prod

from torch import nn

from tuilab.core.catalogue.layers.normalization import (
    BatchNorm1d,
    BatchNorm2d,
    GroupNorm,
    InstanceNorm2d,
    LayerNorm,
    RMSNorm,
    normalized_shape,
)
from tuilab.core.network.layer import Shape
from tuilab.engine.model.layers.builders import module, torch_module


@module(BatchNorm1d, BatchNorm2d)
def batch_norm(layer: BatchNorm1d | BatchNorm2d, shape: Shape) -> nn.Module:
    """Builds a batch normalization over the channels, the first dimension."""
    built = torch_module(layer, shape[0])
    built.values_per_channel = prod(shape[1:])  # type: ignore[assignment]
    return built


def needs_two_examples(module: nn.Module) -> bool:
    """Returns whether a batch of one example has one value per channel, hence no variance."""
    is_batch_norm = isinstance(module, nn.modules.batchnorm._BatchNorm)
    return is_batch_norm and getattr(module, "values_per_channel", 1) == 1


@module(InstanceNorm2d)
def instance_norm(layer: InstanceNorm2d, shape: Shape) -> nn.Module:
    """Builds an instance normalization over the channels."""
    return torch_module(layer, shape[0])


@module(GroupNorm)
def group_norm(layer: GroupNorm, shape: Shape) -> nn.Module:
    """Builds a group normalization over the channels."""
    return torch_module(layer, num_channels=shape[0])


@module(LayerNorm, RMSNorm)
def layer_norm(layer: LayerNorm | RMSNorm, shape: Shape) -> nn.Module:
    """Builds a layer or RMS normalization over the features, or over a whole image."""
    return torch_module(layer, normalized_shape(shape))
