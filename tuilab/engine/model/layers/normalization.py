"""How normalizing layers are built."""

from math import prod

from torch import nn

from tuilab.core.catalogue.layers import normalization as lab
from tuilab.core.network.layer import Layer, Shape
from tuilab.engine.model.layers.named import Builder, after_channels, named


def _batch_norm(layer: Layer, shape: Shape) -> nn.Module:
    module = after_channels(layer, shape)
    module.values_per_channel = prod(shape[1:])  # type: ignore[assignment]
    return module


def needs_two(module: nn.Module) -> bool:
    """Whether a batch of one example leaves it a single value per channel, which has no spread."""
    is_batch_norm = isinstance(module, nn.modules.batchnorm._BatchNorm)
    return is_batch_norm and getattr(module, "values_per_channel", 1) == 1


BUILDERS: dict[type[Layer], Builder] = {
    lab.BatchNorm1d: _batch_norm,
    lab.BatchNorm2d: _batch_norm,
    lab.InstanceNorm2d: after_channels,
    lab.GroupNorm: lambda layer, shape: named(layer, num_channels=shape[0]),
    lab.LayerNorm: lambda layer, shape: named(layer, lab.normalized_shape(shape)),
    lab.RMSNorm: lambda layer, shape: named(layer, lab.normalized_shape(shape)),
}
