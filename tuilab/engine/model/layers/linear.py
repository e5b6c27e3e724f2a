"""How layers are built in which every output sees every input."""

from tuilab.core.catalogue.layers import linear as lab
from tuilab.core.network.layer import Layer
from tuilab.engine.model.layers.named import Builder, after_features

BUILDERS: dict[type[Layer], Builder] = {lab.Linear: after_features}
