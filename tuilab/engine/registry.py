"""Registries: what the engine builds for each class of the catalogue, filled by decorators."""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Registry(Generic[K, V]):
    """A read-only mapping that decorators fill: `@source(Rings)` stands above a function.

    Args:
        name: the decorator's name, for error messages.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._entries: dict[K, V] = {}

    def register(self, *keys: K) -> Callable[[V], V]:
        """Returns a decorator that enters a function or class under each key.

        Raises:
            ValueError: a key already has an entry.
        """

        def enter(entry: V) -> V:
            for key in keys:
                if key in self._entries:
                    raise ValueError(f"@{self.name}({_format_key(key)}) is used twice")
                self._entries[key] = entry
            return entry

        return enter

    def __getitem__(self, key: K) -> V:
        """Returns the entry of a key; LookupError says which decorator is missing."""
        if key not in self._entries:
            raise LookupError(f"nothing is marked @{self.name}({_format_key(key)})")
        return self._entries[key]

    def get(self, key: K) -> V | None:
        """Returns the entry of a key, or None."""
        return self._entries.get(key)

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def __iter__(self) -> Iterator[K]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


def _format_key(key: object) -> str:
    return key.__name__ if isinstance(key, type) else repr(key)
