"""How convolutions are built."""

from tuilab.core.catalogue.layers import convolution as lab
from tuilab.core.network.layer import Layer
from tuilab.engine.model.layers.named import Builder, after_channels

BUILDERS: dict[type[Layer], Builder] = {
    lab.Conv1d: after_channels,
    lab.Conv2d: after_channels,
    lab.ConvTranspose2d: after_channels,
}
