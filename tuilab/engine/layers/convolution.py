"""How convolutions are built."""

from tuilab.engine.layers.named import Builder, after_channels
from tuilab.lab.catalogue.layers import convolution as lab
from tuilab.lab.layer import Layer

BUILDERS: dict[type[Layer], Builder] = {
    lab.Conv1d: after_channels,
    lab.Conv2d: after_channels,
    lab.ConvTranspose2d: after_channels,
}
