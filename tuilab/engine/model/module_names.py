"""The names of modules on the screen: those of the lines of the network, and roles inside them."""

from collections.abc import Iterator

from torch import nn

from tuilab.engine.model.layers.blocks import LayerStack, Parallel, Residual

NAMES = {
    "NonDynamicallyQuantizableLinear": "Linear",
    "LearnedPositions": "PositionalEncoding",
    "SinePositions": "PositionalEncoding",
}
"""Names of layers by their classes, where these differ."""

ROLES = {
    "self_attn": "qkv", "queries_keys_values": "qkv", "join": "out_proj", "out_proj": "out_proj",
    "linear1": "mlp 1", "linear2": "mlp 2", "norm1": "attention", "norm2": "mlp",
}  # fmt: skip
"""What the modules of a transformer block are there for, by their attributes: products for queries,
keys and values, the two layers of the network at each position, the norm of either part."""


def name_module(module: nn.Module) -> str:
    """Returns the name of a module's layer, such as `Linear`."""
    name = type(module).__name__
    return NAMES.get(name, name)


def find_roles(module: nn.Module) -> Iterator[tuple[nn.Module, str]]:
    """Yields the modules with parameters of lines that have several of them, with their roles.

    A role is the attribute of the module, such as `layer1.0.conv1`, or a better name in `ROLES`.
    """
    if isinstance(module, (nn.Sequential, LayerStack, Residual, Parallel)):
        for child in module.children():
            yield from find_roles(child)
        return
    paths = {
        path: inner for path, inner in module.named_modules()
        if next(inner.parameters(recurse=False), None) is not None
    }  # fmt: skip
    if len(paths) < 2:
        return
    for path, inner in paths.items():
        attribute = path.removeprefix("inside").removeprefix(".")
        yield inner, ROLES.get(attribute.rpartition(".")[2], attribute)
