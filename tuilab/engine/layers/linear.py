"""How layers are built in which every output sees every input."""

from tuilab.engine.layers.named import Builder, after_features
from tuilab.lab.catalogue.layers import linear as lab
from tuilab.lab.layer import Layer

BUILDERS: dict[type[Layer], Builder] = {lab.Linear: after_features}
