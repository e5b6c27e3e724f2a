"""A saved output, and what the modules that take it as their second input have in common."""

from typing import Any

from torch import Tensor, nn

from tuilab.core.catalogue.layers import save as catalogue
from tuilab.engine.model.layers.builders import module_class


@module_class(catalogue.Save)
class Save(nn.Identity):
    """Passes its input through and keeps it until the next batch."""

    value: Tensor
    "Its last input, [batch, *shape], with its graph."

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 (torch's name)
        """Returns the input itself, [batch, *shape]."""
        self.value = input
        return input

    def __getstate__(self) -> dict[str, Any]:
        """Leaves out the last input: a tensor inside a graph cannot be copied."""
        return {name: value for name, value in self.__dict__.items() if name != "value"}


class SecondInput:
    """The second input of a module: what a Save has kept, or the module's input itself.

    It is no module, so that what it refers to does not become a part of the module.
    """

    source: Save | None = None

    def read(self, x: Tensor) -> Tensor:
        """Returns the second input [batch, …] for an input x [batch, …]."""
        return x if self.source is None else self.source.value


def connect(module: nn.Module, source: Save) -> None:
    """Makes a saved output the second input of a module."""
    second = module.second_input
    assert isinstance(second, SecondInput), f"{type(module).__name__} has one input"
    second.source = source
