"""PyTorch's compiler, put off until somebody compiles: its import takes longer than PyTorch's.

Every optimizer imports `torch._dynamo` at its first step, only to ask it to keep out of the way
(`disable`, `graph_break`); where nothing is compiled neither does anything. A stand-in answers
these two, and turns into the real module when anything else is asked of it.
"""

import importlib
import sys
from collections.abc import Callable
from threading import RLock
from types import ModuleType
from typing import Any

import torch

NAME = "torch._dynamo"

_loading = RLock()


class Compiler(ModuleType):
    """What stands where the compiler will be."""

    def graph_break(self, msg: str = "") -> None:
        """Nothing is compiled: there is no graph to break."""

    def disable(self, fn: Callable[..., Any], *args: Any, **options: Any) -> Callable[..., Any]:
        """Nothing is compiled: the function is as it was."""
        return fn

    def __getattr__(self, name: str) -> Any:
        """Whatever else is wanted comes from the real one, from now on in its place.

        Who only goes through all modules, as `inspect` does for their files, wants nothing.
        """
        if name.startswith("__") and name != "__path__":
            raise AttributeError(name)
        return getattr(_real(self), name)


def put_off() -> None:
    """Let the compiler wait, unless it is there already."""
    if NAME not in sys.modules:
        torch._dynamo = sys.modules[NAME] = Compiler(NAME)


def _real(stand_in: Compiler) -> ModuleType:
    with _loading:
        if sys.modules.get(NAME) is stand_in:
            del sys.modules[NAME], torch._dynamo
        return importlib.import_module(NAME)
