"""The layers of a network in the order in which they are shown; a block follows its inside."""

from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn

from tuilab.engine.model.layers.attention import (
    Attention,
    CausalAttention,
    DecoderBlock,
    DecoderLayer,
    EncoderLayer,
    SelfAttention,
)
from tuilab.engine.model.layers.blocks import LayerStack
from tuilab.engine.model.layers.sequence import Recurrent
from tuilab.engine.model.module_names import name_module
from tuilab.engine.session import Session

CONTAINERS = (
    LayerStack,
    nn.Sequential,
    nn.ModuleList,
    nn.Identity,
    SelfAttention,
    EncoderLayer,
    DecoderLayer,
    Recurrent,
)
"""Modules that are not shown themselves: the modules inside are."""

SINGLE_LINE_LAYERS = (nn.TransformerEncoderLayer, nn.TransformerDecoderLayer, DecoderBlock)
"""Layers that are one line of the experiment: the dropout inside is not shown."""


@dataclass(frozen=True, slots=True)
class IndexedModule:
    """One shown layer.

    Args:
        previous: label of the last layer with parameters before it, or of itself.
        attention: the module that keeps its attention weights, if it has attention.
    """

    label: str
    module: nn.Module
    previous: str
    attention: Attention | None = None

    @property
    def own_parameters(self) -> dict[str, nn.Parameter]:
        """Returns its parameters by name, without those of inner modules."""
        return dict(self.module.named_parameters(recurse=False))


def index_modules(session: Session) -> list[IndexedModule]:
    """Returns every shown layer, with labels such as `2 Linear` and `ReLU after 2 Linear`."""
    labels = {id(parameters[0]): label for label, parameters in session.parameters_by_layer.items()}
    index: dict[str, IndexedModule] = {}
    previous = "the input"
    for module, attention in _walk(session.network, None, is_inside=False):
        parameter = next(module.parameters(recurse=False), None)
        if parameter is not None:
            previous = label = labels[id(parameter)]
        else:
            label = f"{name_module(module)} after {previous}"
        number, unique = 1, label
        while unique in index:
            number += 1
            unique = f"{label} #{number}"
        index[unique] = IndexedModule(unique, module, previous, attention)
    return list(index.values())


def _walk(
    module: nn.Module, attention: Attention | None, *, is_inside: bool
) -> Iterator[tuple[nn.Module, Attention | None]]:
    """Yields modules with their attention.

    Args:
        is_inside: whether the module is inside a layer that is one line.
    """
    if isinstance(module, Attention):
        attention = module
    has_parameters = next(module.parameters(recurse=False), None) is not None
    shown_attention = attention if _has_attention(module) else None
    if has_parameters:
        yield module, shown_attention
    for child in module.children():
        is_child_inside = is_inside or isinstance(module, SINGLE_LINE_LAYERS)
        yield from _walk(child, attention, is_inside=is_child_inside)
    if has_parameters or isinstance(module, CONTAINERS) or (is_inside and _is_dropout(module)):
        return
    yield module, shown_attention


def _has_attention(module: nn.Module) -> bool:
    return isinstance(module, (nn.MultiheadAttention, CausalAttention, nn.TransformerEncoderLayer))


def _is_dropout(module: nn.Module) -> bool:
    return isinstance(module, (nn.Dropout, nn.AlphaDropout))
