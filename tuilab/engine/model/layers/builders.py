"""Builders: the functions that build the module of a layer where torch needs more than its line."""

from collections.abc import Callable
from typing import Any

from torch import nn

from tuilab.core.network.layer import Layer, Shape, argument_names
from tuilab.engine.registry import Registry

Builder = Callable[[Any, Shape], nn.Module]
"""Builds a module from a layer and the shape of its input."""

MODULES: Registry[type[Layer], Builder] = Registry("module")
"""The builders of layers that depend on their input's shape, or that torch lacks.

All other layers are the torch class of the same name.
"""

module = MODULES.register
"""Marks the function that builds the module of a layer: `@module(Linear)`."""


def torch_module(layer: Layer, *inferred: Any, **others: Any) -> nn.Module:
    """Builds the torch class of the layer's name from inferred sizes and the line's arguments."""
    arguments = {name: getattr(layer, name) for name in argument_names(type(layer))}
    built: nn.Module = getattr(nn, type(layer).__name__)(*inferred, **arguments | others)
    return built


def build_module(layer: Layer, shape: Shape) -> nn.Module:
    """Builds the module of a layer for the shape of its input."""
    builder = MODULES.get(type(layer))
    return builder(layer, shape) if builder else torch_module(layer)
