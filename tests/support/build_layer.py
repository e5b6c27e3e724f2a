"""One layer, built from its line with a fixed seed."""

from typing import TypeVar

import torch
from torch import nn

from tuilab.core.network.layer import Shape
from tuilab.engine.model import build_network

M = TypeVar("M", bound=nn.Module)


def build_layer(line: str, shape: Shape, kind: type[M]) -> M:
    """Builds the layer of a line for inputs of a shape; it must be of this kind."""
    torch.manual_seed(0)
    layer = build_network.build((line,), shape)[0]
    assert isinstance(layer, kind)
    return layer
