"""Discovery: every module of a package, and the classes that the modules declare."""

import pkgutil
from collections.abc import Iterator, Sequence
from importlib import import_module
from types import ModuleType
from typing import TypeVar

T = TypeVar("T")


def import_modules(package: ModuleType, order: Sequence[str] = ()) -> list[ModuleType]:
    """Imports all modules of a package: those named in `order` first, then by the alphabet."""
    names = {info.name for info in pkgutil.iter_modules(package.__path__)}
    ordered = [name for name in order if name in names]
    return [
        import_module(f"{package.__name__}.{name}")
        for name in (*ordered, *sorted(names - set(ordered)))
    ]


def classes_in(package: ModuleType, base: type[T], order: Sequence[str] = ()) -> Iterator[type[T]]:
    """Yields the subclasses of a base that the modules of a package declare, private ones aside."""
    for module in import_modules(package, order):
        for name, kind in vars(module).items():
            is_class = isinstance(kind, type) and issubclass(kind, base)
            if is_class and kind.__module__ == module.__name__ and not name.startswith("_"):
                yield kind
