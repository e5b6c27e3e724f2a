"""The names of modules on the screen: those of the lines of the network."""

from torch import nn

NAMES = {
    "NonDynamicallyQuantizableLinear": "Linear",
    "LearnedPositions": "PositionalEncoding",
    "SinePositions": "PositionalEncoding",
}
"""Names of layers by their classes, where these differ."""


def name_module(module: nn.Module) -> str:
    """Returns the name of a module's layer, such as `Linear`."""
    name = type(module).__name__
    return NAMES.get(name, name)
