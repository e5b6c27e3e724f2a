"""How blocks are built: rows of modules, side by side or one after another."""

from typing import cast

import torch
from torch import Tensor, nn

from tuilab.core.catalogue.layers import blocks as lab
from tuilab.core.network.layer import Layer


class Row(nn.Sequential):
    """Modules one after another; those that are frozen stay as they are in evaluation."""

    def train(self, mode: bool = True) -> "Row":
        """Set training mode in all that learns."""
        super().train(mode)
        for module in self:
            if getattr(module, "is_frozen", False):
                module.eval()
        return self


class Residual(nn.Module):
    """A row whose input is added to its output."""

    def __init__(self, inside: Row) -> None:
        super().__init__()
        self.inside = inside

    def forward(self, x: Tensor) -> Tensor:
        """Inside(x) + x."""
        return cast(Tensor, self.inside(x) + x)


class Parallel(nn.Module):
    """Branches that all see the input; their outputs stand side by side."""

    def __init__(self, inside: Row) -> None:
        super().__init__()
        self.inside = inside

    def forward(self, x: Tensor) -> Tensor:
        """Concatenated along the channels of pictures, else along the last size."""
        outputs = [branch(x) for branch in self.inside]
        return torch.cat(outputs, dim=1 if outputs[0].dim() == 4 else -1)


def block(layer: Layer, inside: Row) -> nn.Module:
    """The module of a block around the row of what stands in it."""
    if isinstance(layer, lab.Residual):
        return Residual(inside)
    return Parallel(inside) if isinstance(layer, lab.Parallel) else inside
