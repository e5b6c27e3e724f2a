"""The classes of a catalogue module that a file can choose by their tag."""

from collections.abc import Mapping
from typing import TypeVar

from msgspec import Struct

T = TypeVar("T", bound=Struct)


def tagged_classes(names: Mapping[str, object], base: type[T]) -> tuple[type[T], ...]:
    """Returns the subclasses of `base` that a module declares with a tag, in order.

    Args:
        names: the module's `globals()`.
    """
    return tuple(
        kind
        for kind in names.values()
        if isinstance(kind, type)
        and issubclass(kind, base)
        and kind.__module__ == names["__name__"]
        and kind.__struct_config__.tag != kind.__name__  # msgspec's default: a base without a tag
    )
