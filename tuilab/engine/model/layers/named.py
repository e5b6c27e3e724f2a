"""Modules that torch has under the name of the layer."""

from collections.abc import Callable
from typing import Any

from torch import nn

from tuilab.core.network.layer import Layer, Shape, arguments

Builder = Callable[[Any, Shape], nn.Module]
"""What makes a module of a layer and the shape that comes in."""


def named(layer: Layer, *first: Any, **others: Any) -> nn.Module:
    """The torch class of the layer's name: its inferred sizes first, then what the line says."""
    given = {name: getattr(layer, name) for name in arguments(type(layer))}
    module: nn.Module = getattr(nn, type(layer).__name__)(*first, **given | others)
    return module


def after_features(layer: Layer, shape: Shape) -> nn.Module:
    """The torch class, told how many features the last size is."""
    return named(layer, shape[-1])


def after_channels(layer: Layer, shape: Shape) -> nn.Module:
    """The torch class, told how many channels the first size is."""
    return named(layer, shape[0])
