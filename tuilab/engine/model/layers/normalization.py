"""Builders of normalization layers."""

from math import prod

import torch
from torch import Tensor, nn

from tuilab.core.catalogue.layers import normalization as catalogue
from tuilab.core.network.layer import Layer, Shape
from tuilab.engine.model.layers.builders import module, torch_module


@module(catalogue.BatchNorm1d, catalogue.BatchNorm2d, catalogue.BatchNorm3d)
def batch_norm(layer: Layer, shape: Shape) -> nn.Module:
    """Builds a batch normalization over the channels, the first dimension."""
    built = torch_module(layer, shape[0])
    built.values_per_channel = prod(shape[1:])  # type: ignore[assignment]
    return built


def needs_two_examples(module: nn.Module) -> bool:
    """Returns whether a batch of one example has one value per channel, hence no variance."""
    is_batch_norm = isinstance(module, nn.modules.batchnorm._BatchNorm)
    return is_batch_norm and getattr(module, "values_per_channel", 1) == 1


@module(catalogue.InstanceNorm1d, catalogue.InstanceNorm2d, catalogue.InstanceNorm3d)
def instance_norm(layer: Layer, shape: Shape) -> nn.Module:
    """Builds an instance normalization over the channels."""
    return torch_module(layer, shape[0])


class GroupNorm(nn.GroupNorm):
    """A group normalization whose input always has a gradient.

    In channels-last format the backward pass of torch 2.13 ends the process where it has none, as
    the network's own input (a write to address 0).
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 (torch's name)
        """Normalizes each group of channels: [batch, channels, ...] to the same shape."""
        if torch.is_grad_enabled() and not input.requires_grad:
            input = input.detach().requires_grad_()  # noqa: A001
        return super().forward(input)


@module(catalogue.GroupNorm)
def group_norm(layer: catalogue.GroupNorm, shape: Shape) -> nn.Module:
    """Builds a group normalization over the channels."""
    return GroupNorm(layer.num_groups, shape[0], layer.eps, layer.affine, bias=layer.bias)


@module(catalogue.LayerNorm, catalogue.RMSNorm)
def layer_norm(layer: catalogue.LayerNorm | catalogue.RMSNorm, shape: Shape) -> nn.Module:
    """Builds a layer or RMS normalization over the features, or over a whole image."""
    return torch_module(layer, normalized_shape=catalogue.normalized_sizes(layer, shape))
