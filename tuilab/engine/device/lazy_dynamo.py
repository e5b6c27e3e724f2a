"""A stand-in for PyTorch's compiler, whose import takes longer than PyTorch's own.

Every optimizer imports `torch._dynamo` in its first step, only to call `disable` and `graph_break`,
which do nothing unless something is compiled. The stand-in has these two, and imports the real
module when another attribute is read.
"""

import importlib
import sys
from collections.abc import Callable
from threading import RLock
from types import ModuleType
from typing import Any

import torch

MODULE_NAME = "torch._dynamo"

_loading = RLock()


class DynamoStandIn(ModuleType):
    """The module in place of torch._dynamo until that is needed."""

    def graph_break(self, msg: str = "") -> None:
        """Does nothing: without compilation there is no graph to break."""

    def disable(self, fn: Callable[..., Any], *args: Any, **options: Any) -> Callable[..., Any]:
        """Returns the function unchanged, since nothing is compiled."""
        return fn

    def __getattr__(self, name: str) -> Any:
        """Returns any other attribute from the real module, which replaces this one.

        Dunder attributes do not import it: `inspect` reads those of all modules.
        """
        if name.startswith("__") and name != "__path__":
            raise AttributeError(name)
        return getattr(_import_real(self), name)


def defer_import() -> None:
    """Installs the stand-in, unless the compiler is imported already."""
    if MODULE_NAME not in sys.modules:
        torch._dynamo = sys.modules[MODULE_NAME] = DynamoStandIn(MODULE_NAME)


def _import_real(stand_in: DynamoStandIn) -> ModuleType:
    with _loading:
        if sys.modules.get(MODULE_NAME) is stand_in:
            del sys.modules[MODULE_NAME], torch._dynamo
        return importlib.import_module(MODULE_NAME)
