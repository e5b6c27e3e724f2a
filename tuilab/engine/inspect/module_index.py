"""The layers of a network in the order in which they are shown, blocks after their insides."""

from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn

from tuilab.engine.model.layers.attention import (
    Attention,
    CausalAttention,
    DecoderBlock,
    EncoderLayer,
    SelfAttention,
)
from tuilab.engine.model.layers.blocks import Row
from tuilab.engine.model.layers.sequence import Recurrent
from tuilab.engine.session import Session

UNSHOWN = (Row, nn.Sequential, nn.ModuleList, nn.Identity, SelfAttention, EncoderLayer, Recurrent)
"""What has nothing of its own: what stands inside is shown."""

WHOLE = (nn.TransformerEncoderLayer, DecoderBlock)
"""Layers that are one line of the experiment: the dropout inside of them is not shown."""


@dataclass(frozen=True, slots=True)
class Place:
    """One layer.

    Args:
        after: the last layer with parameters before it, or itself.
        attention: what keeps its attention weights, if it attends.
    """

    label: str
    module: nn.Module
    after: str
    attention: Attention | None = None

    @property
    def parameters(self) -> dict[str, nn.Parameter]:
        """Its own, by name."""
        return dict(self.module.named_parameters(recurse=False))


def places(session: Session) -> list[Place]:
    """Every layer that numbers pass, by labels such as `2 Linear` and `ReLU after 2 Linear`."""
    labels = {id(own[0]): label for label, own in session.labelled.items()}
    found: dict[str, Place] = {}
    after = "the input"
    for module, attention in _walk(session.network, None, is_inside=False):
        own = next(module.parameters(recurse=False), None)
        if own is not None:
            after = label = labels[id(own)]
        else:
            label = f"{type(module).__name__} after {after}"
        number, name = 1, label
        while name in found:
            number += 1
            name = f"{label} #{number}"
        found[name] = Place(name, module, after, attention)
    return list(found.values())


def _walk(
    module: nn.Module, attention: Attention | None, *, is_inside: bool
) -> Iterator[tuple[nn.Module, Attention | None]]:
    """Modules with their attention; `is_inside`: in a layer that is one line."""
    if isinstance(module, Attention):
        attention = module
    own = next(module.parameters(recurse=False), None) is not None
    shown = attention if _attends(module) else None
    if own:
        yield module, shown
    for child in module.children():
        yield from _walk(child, attention, is_inside=is_inside or isinstance(module, WHOLE))
    if not own and not isinstance(module, UNSHOWN) and not (is_inside and _drops(module)):
        yield module, shown


def _attends(module: nn.Module) -> bool:
    return isinstance(module, (nn.MultiheadAttention, CausalAttention, nn.TransformerEncoderLayer))


def _drops(module: nn.Module) -> bool:
    return isinstance(module, (nn.Dropout, nn.AlphaDropout))
