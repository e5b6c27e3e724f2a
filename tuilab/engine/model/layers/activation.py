"""Activations that torch lacks, or that depend on the shape of their input."""

from torch import Tensor, nn

from tuilab.core.catalogue.layers import activation as catalogue
from tuilab.core.network.layer import Shape
from tuilab.engine.model.layers.builders import module, module_class, torch_module


@module_class(catalogue.Step)
class Step(nn.Module):
    """The step activation of the perceptron (Rosenblatt 1958)."""

    def forward(self, x: Tensor) -> Tensor:
        """Returns 1 above zero, else 0, in the same shape; its gradient is 0 everywhere."""
        return x.sign().clamp(min=0)


@module(catalogue.Softmax, catalogue.LogSoftmax)
def softmax(layer: catalogue.Softmax | catalogue.LogSoftmax, shape: Shape) -> nn.Module:
    """Builds a softmax over the channels of images, else over the last dimension."""
    default = 1 if len(shape) >= 3 else -1
    return torch_module(layer, dim=default if layer.dim is None else layer.dim)


EXACT_SOFTPLUS = 60.0
"""From this β x on, softplus is β x in float32 and float64; from 89 on, its e^(β x) overflows."""


@module(catalogue.Softplus)
def softplus(layer: catalogue.Softplus, shape: Shape) -> nn.Module:
    """Builds a softplus that is finite for every input, whatever its threshold."""
    return torch_module(layer, threshold=min(layer.threshold, EXACT_SOFTPLUS))
