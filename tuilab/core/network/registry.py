"""The index of all layers, family by family.

Each class carries its `torch.nn` name and arguments; its shape rule needs no torch, so that
the architecture pane is alive before torch is loaded. A test holds every rule against torch.
"""

from types import ModuleType

from tuilab.core.catalogue.layers import (
    activation,
    attention,
    blocks,
    convolution,
    dropout,
    embedding,
    graph,
    learner,
    linear,
    normalization,
    pooling,
    sequence,
    shape,
    torchvision_models,
)
from tuilab.core.network.layer import Layer

FILES: tuple[ModuleType, ...] = (
    linear, convolution, pooling, shape, sequence, attention, embedding, graph, dropout,
    normalization, activation, learner, torchvision_models, blocks,
)  # fmt: skip
"""Where layers are declared: a new layer is a class in one of them, a new family one more file."""

FAMILIES = (
    "linear", "convolution", "pooling", "shape", "recurrent", "attention", "embedding", "graph",
    "regularization", "normalization", "activation", "model", "block",
)  # fmt: skip
"""The families of layers, in the order in which they are offered."""


def _declared(file: ModuleType) -> list[type[Layer]]:
    return [
        kind
        for name, kind in vars(file).items()
        if isinstance(kind, type)
        and issubclass(kind, Layer)
        and kind.__module__ == file.__name__
        and not name.startswith("_")
    ]


LAYERS: dict[str, type[Layer]] = {
    kind.__name__: kind
    for kind in sorted(
        (kind for file in FILES for kind in _declared(file)),
        key=lambda kind: FAMILIES.index(kind.family),
    )
}
"""Every layer by its name on a line."""

BLOCKS: tuple[str, ...] = tuple(n for n, kind in LAYERS.items() if kind.family == "block")
"""The layers that hold others: a list in a file."""
