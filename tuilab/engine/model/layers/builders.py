"""Builders: the functions that build the module of a layer where torch needs more than its line."""

from collections.abc import Callable
from typing import Any, TypeVar

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

M = TypeVar("M", bound=type[nn.Module])


def module_class(kind: type[Layer], *axes: int) -> Callable[[M], M]:
    """Marks the module of a layer: `@module_class(Transpose)`, `@module_class(ClassToken, -1)`.

    Args:
        axes: the sizes of the input along these are the first arguments; those of the line follow.
    """

    def register(module_type: M) -> M:
        def build(layer: Layer, shape: Shape) -> nn.Module:
            return module_type(*(shape[axis] for axis in axes), **line_arguments(layer))

        build.__module__ = module_type.__module__
        module(kind)(build)
        return module_type

    return register


def line_arguments(layer: Layer) -> dict[str, Any]:
    """Returns the arguments of a layer's line by name."""
    return {name: getattr(layer, name) for name in argument_names(type(layer))}


def torch_module(layer: Layer, *inferred: Any, **others: Any) -> nn.Module:
    """Builds the torch class of the layer's name from inferred sizes and the line's arguments."""
    torch_type = getattr(nn, type(layer).__name__)
    built: nn.Module = torch_type(*inferred, **line_arguments(layer) | others)
    return built


def build_module(layer: Layer, shape: Shape) -> nn.Module:
    """Builds the module of a layer for the shape of its input."""
    builder = MODULES.get(type(layer))
    return builder(layer, shape) if builder else torch_module(layer)
