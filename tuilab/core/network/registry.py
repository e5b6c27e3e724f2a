"""All layers, found in `catalogue/layers`: a new one is a class in any module there.

A class has the name and the arguments of its `torch.nn` module; its shape rule needs no torch, so
that the network pane works before torch is imported. Tests compare every rule with torch.
"""

from tuilab.core.catalogue import layers
from tuilab.core.discover import classes_in
from tuilab.core.network.layer import Layer

ORDER = (
    "linear", "convolution", "pooling", "padding", "shape", "sequence", "attention", "embedding",
    "graph", "dropout", "normalization", "activation", "learner", "torchvision_models", "blocks",
)  # fmt: skip
"""The modules in the order in which their layers are listed; others follow."""

FAMILIES = (
    "linear", "convolution", "pooling", "padding", "shape", "recurrent", "attention", "embedding",
    "graph", "regularization", "normalization", "activation", "model", "block",
)  # fmt: skip
"""The families of layers, in the order in which they are offered; others follow."""


def _family_order(kind: type[Layer]) -> int:
    return FAMILIES.index(kind.family) if kind.family in FAMILIES else len(FAMILIES)


LAYERS: dict[str, type[Layer]] = {
    kind.__name__: kind for kind in sorted(classes_in(layers, Layer, ORDER), key=_family_order)
}
"""Every layer by its name on a line."""

BLOCKS: tuple[str, ...] = tuple(n for n, kind in LAYERS.items() if kind.family == "block")
"""The layers that contain others."""
