"""Registries: what the engine builds for each class of the catalogue, filled by decorators."""

from collections.abc import Callable
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Registry(dict[K, V]):
    """A mapping that decorators fill: `@source(Rings)` stands above a function.

    Args:
        name: the decorator's name, for error messages.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def register(self, *keys: K) -> Callable[[V], V]:
        """Returns a decorator that enters a function or class under each key.

        Raises:
            ValueError: a key already has an entry.
        """

        def enter(entry: V) -> V:
            for key in keys:
                if key in self:
                    raise ValueError(f"@{self.name}({_format_key(key)}) is used twice")
                self[key] = entry
            return entry

        return enter

    def __missing__(self, key: K) -> V:
        """Raises LookupError, which says which decorator is missing."""
        raise LookupError(f"nothing is marked @{self.name}({_format_key(key)})")


def _format_key(key: object) -> str:
    return key.__name__ if isinstance(key, type) else repr(key)
