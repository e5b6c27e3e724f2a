"""Parameter groups: which parameters of a network decay, and which do not."""

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from torch import nn
from torch.nn import Parameter
from torch.nn.modules.batchnorm import _NormBase

from tuilab.engine.model.layers.embedding import LearnedPositions

WITHOUT_WEIGHTS = (
    nn.Embedding, nn.EmbeddingBag, LearnedPositions,
    nn.LayerNorm, nn.RMSNorm, nn.GroupNorm, _NormBase,
)  # fmt: skip
"""Modules whose parameters are not matrices that multiply."""

Group = dict[str, Any]


class ParameterGroups:
    """The parameters of a network; iterating yields the groups that every torch optimizer takes."""

    def __init__(self, network: nn.Module) -> None:
        self.parameters = list(network.parameters())
        "All parameters, in the network's order."
        self.layers = weights_by_layer(network)
        "The weights of each layer."
        self.weights = [weight for layer in self.layers for weight in layer]
        self.others = exclude(self.parameters, self.weights)
        "Biases, embeddings, and all parameters of norms."

    def __iter__(self) -> Iterator[Group]:
        return iter(make_groups(self.weights, self.others))

    def replace(self, replacements: Mapping[Parameter, Parameter]) -> "ParameterGroups":
        """Returns the same groups with another parameter in the place of each."""
        replaced = copy.copy(self)
        replaced.parameters = [replacements[one] for one in self.parameters]
        replaced.layers = [[replacements[one] for one in layer] for layer in self.layers]
        replaced.weights = [replacements[one] for one in self.weights]
        replaced.others = [replacements[one] for one in self.others]
        return replaced


def make_groups(weights: list[Parameter], others: list[Parameter]) -> list[Group]:
    """Returns at most two parameter groups, so that fused kernels stay large.

    `decays` says whether a group holds weights, `scale` is its factor of the learning rate.
    """
    parts = ((weights, True), (others, False))
    return [{"params": some, "decays": decays, "scale": 1.0} for some, decays in parts if some]


def exclude(parameters: list[Parameter], excluded: list[Parameter]) -> list[Parameter]:
    """Returns the other parameters, in order; tensors are compared by identity."""
    ids = set(map(id, excluded))
    return [parameter for parameter in parameters if id(parameter) not in ids]


def weights_by_layer(network: nn.Module) -> list[list[Parameter]]:
    """Returns the weights of each layer, in order: the parameters that decay by default.

    Weights are matrices and kernels: parameters with two dimensions or more and "weight" in their
    name, that do not belong to a norm or an embedding.
    """
    layers: list[list[Parameter]] = []
    visited: set[Parameter] = set()
    for module in network.modules():
        if isinstance(module, WITHOUT_WEIGHTS):
            continue
        weights = [
            parameter
            for name, parameter in module.named_parameters(recurse=False)
            if "weight" in name and parameter.ndim > 1 and parameter not in visited
        ]
        visited.update(weights)
        if weights:
            layers.append(weights)
    return layers


def decayed_parameters(network: nn.Module) -> list[Parameter]:
    """Returns the weights of all layers: what decay, penalties and norm limits act on."""
    return [parameter for layer in weights_by_layer(network) for parameter in layer]
