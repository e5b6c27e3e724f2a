"""Discovery: every module of a package, and the classes that the modules declare."""

import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any, TypeVar

T = TypeVar("T")


def import_modules(package: ModuleType, order: Sequence[str] = ()) -> list[ModuleType]:
    """Imports all modules of a package and the packages in it.

    Args:
        order: names of modules that come first; the others follow by the alphabet.
    """
    prefix = f"{package.__name__}."
    names = {info.name for info in pkgutil.walk_packages(package.__path__, prefix)}
    first = [prefix + name for name in order if prefix + name in names]
    return [import_module(name) for name in (*first, *sorted(names - set(first)))]


def classes_in(package: ModuleType, base: type[T], order: Sequence[str] = ()) -> Iterator[type[T]]:
    """Yields the subclasses of a base that the modules of a package declare, private ones aside."""
    for module in import_modules(package, order):
        for kind in declared_classes(vars(module), base):
            if not kind.__name__.startswith("_"):
                yield kind


def declared_classes(names: Mapping[str, Any], base: type[T]) -> Iterator[type[T]]:
    """Yields the subclasses of a base that a module declares, in order.

    Args:
        names: the module's `globals()`.
    """
    for kind in names.values():
        is_class = isinstance(kind, type) and issubclass(kind, base)
        if is_class and kind.__module__ == names["__name__"]:
            yield kind
