"""Modules of blocks: other modules side by side or one after another."""

from typing import cast

import torch
from torch import Tensor, nn

from tuilab.core.catalogue.layers import blocks as catalogue
from tuilab.core.network.layer import Layer


class LayerStack(nn.Sequential):
    """A Sequential whose frozen modules stay in evaluation mode."""

    def train(self, mode: bool = True) -> "LayerStack":
        """Sets the training mode of all modules that are not frozen."""
        super().train(mode)
        for module in self:
            if getattr(module, "is_frozen", False):
                module.eval()
        return self


class Residual(nn.Module):
    """A row of modules whose input is added to its output."""

    def __init__(self, inside: LayerStack) -> None:
        super().__init__()
        self.inside = inside

    def forward(self, x: Tensor) -> Tensor:
        """Returns inside(x) + x, any shape to the same shape."""
        return cast(Tensor, self.inside(x) + x)


class Parallel(nn.Module):
    """Branches that all get the input; their outputs are concatenated."""

    def __init__(self, inside: LayerStack) -> None:
        super().__init__()
        self.inside = inside

    def forward(self, x: Tensor) -> Tensor:
        """Concatenates along the channels of images [batch, channels, height, width], else last."""
        outputs = [branch(x) for branch in self.inside]
        return torch.cat(outputs, dim=1 if outputs[0].dim() >= 4 else -1)


def build_block(layer: Layer, inside: LayerStack) -> nn.Module:
    """Builds the module of a block around its contents."""
    if isinstance(layer, catalogue.Residual):
        return Residual(inside)
    return Parallel(inside) if isinstance(layer, catalogue.Parallel) else inside
