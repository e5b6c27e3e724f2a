"""How layers are built that lay numbers out anew."""

from tuilab.engine.layers.named import Builder, named
from tuilab.lab.catalogue.layers import shape as lab
from tuilab.lab.layer import Layer

BUILDERS: dict[type[Layer], Builder] = {
    lab.Unflatten: lambda layer, shape: named(layer, dim=1),
}
