"""How activations are built that torch does not have, or that need to know what comes in."""

from torch import Tensor, nn

from tuilab.core.catalogue.layers import activation as lab
from tuilab.core.network.layer import Layer, Shape
from tuilab.engine.model.layers.named import Builder, named


class Step(nn.Module):
    """The perceptron's activation (Rosenblatt 1958)."""

    def forward(self, x: Tensor) -> Tensor:
        """1 above zero, else 0; through `sign`, whose derivative is zero everywhere."""
        return x.sign().clamp(min=0)


def _over_features(layer: Layer, shape: Shape) -> nn.Module:
    """Over the channels of pictures, else over the last size."""
    return named(layer, dim=1 if len(shape) == 3 else -1)


BUILDERS: dict[type[Layer], Builder] = {
    lab.Step: lambda layer, shape: Step(),
    lab.Softmax: _over_features,
    lab.LogSoftmax: _over_features,
}
