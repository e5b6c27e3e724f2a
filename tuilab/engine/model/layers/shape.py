"""How layers are built that lay numbers out anew."""

from tuilab.core.catalogue.layers import shape as lab
from tuilab.core.network.layer import Layer
from tuilab.engine.model.layers.named import Builder, named

BUILDERS: dict[type[Layer], Builder] = {
    lab.Unflatten: lambda layer, shape: named(layer, dim=1),
}
