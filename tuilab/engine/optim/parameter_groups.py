"""Which parameters are weights: what decay, penalties and limits act on."""

from collections.abc import Iterable

from torch import nn
from torch.nn import Parameter
from torch.nn.modules.batchnorm import _NormBase

from tuilab.engine.model.layers.embedding import LearnedPositions

NEVER = (
    nn.Embedding, nn.EmbeddingBag, LearnedPositions,
    nn.LayerNorm, nn.RMSNorm, nn.GroupNorm, _NormBase,
)  # fmt: skip
"""Modules whose parameters are no matrices that multiply."""


def by_layer(network: nn.Module | Iterable[Parameter]) -> list[list[Parameter]]:
    """The weights of each layer, in order.

    Weights are matrices and kernels: named so, with two dimensions or more, and not of a norm
    or an embedding.
    """
    if not isinstance(network, nn.Module):
        return [[parameter] for parameter in network if parameter.ndim > 1]
    layers: list[list[Parameter]] = []
    seen: set[Parameter] = set()
    for module in network.modules():
        if isinstance(module, NEVER):
            continue
        named = module.named_parameters(recurse=False)
        found = [p for name, p in named if "weight" in name and p.ndim > 1 and p not in seen]
        seen.update(found)
        if found:
            layers.append(found)
    return layers


def weights(network: nn.Module) -> list[Parameter]:
    """The weights of all layers."""
    return [parameter for layer in by_layer(network) for parameter in layer]
