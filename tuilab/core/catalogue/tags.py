"""The classes of a catalogue module that a file can choose by their tag."""

from collections.abc import Mapping
from typing import Any, TypeVar

from msgspec import Struct

from tuilab.core.discover import declared_classes

T = TypeVar("T", bound=Struct)


def tagged_classes(names: Mapping[str, Any], base: type[T]) -> tuple[type[T], ...]:
    """Returns the subclasses of `base` that a module declares with a tag, in order.

    Args:
        names: the module's `globals()`.
    """
    return tuple(filter(has_tag, declared_classes(names, base)))


def has_tag(kind: type[Struct]) -> bool:
    """Returns whether a class can be chosen; a base without a tag has msgspec's, its name."""
    return kind.__struct_config__.tag != kind.__name__
