"""The weight matrices of a network, with the fan in and fan out that initializations need."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

from tuilab.engine.model.gains import Activation

GATE_COUNTS = {"RNN_TANH": 1, "RNN_RELU": 1, "LSTM": 4, "GRU": 3}

Kind = Literal["plain", "recurrent", "lookup"]


@dataclass(frozen=True, slots=True)
class WeightMatrix:
    """A matrix or kernel, with what decides how large its values should be."""

    weight: Tensor
    fan_in: float
    "How many inputs each output depends on."
    fan_out: float
    "How many outputs each input affects."
    kind: Kind = "plain"
    activation: Activation | None = None
    "The activation that follows."


def split_weight_matrices(
    module: nn.Module, activation: Activation | None
) -> Iterator[WeightMatrix]:
    """Yields the matrices of one layer; those that are stored together are split."""
    if isinstance(module, nn.Linear):
        yield WeightMatrix(
            module.weight, module.in_features, module.out_features, activation=activation
        )
    elif isinstance(module, _ConvNd):
        yield _kernel(module, activation)
    elif isinstance(module, nn.Bilinear):
        pairs = module.in1_features * module.in2_features
        yield WeightMatrix(module.weight, pairs, module.out_features, activation=activation)
    elif isinstance(module, (nn.Embedding, nn.EmbeddingBag)):
        yield WeightMatrix(module.weight, 1, module.embedding_dim, "lookup")
    elif isinstance(module, nn.RNNBase):
        yield from _recurrent_matrices(module)
    elif isinstance(module, nn.MultiheadAttention):
        for name, parameter in module.named_parameters(recurse=False):
            if "weight" in name:
                for part in torch.split(parameter, module.embed_dim):  # queries, keys, values
                    yield WeightMatrix(part, part.shape[1], part.shape[0])


def _kernel(module: _ConvNd, activation: Activation | None) -> WeightMatrix:
    """Returns the kernel of a convolution, with the fans that torch.nn.init computes.

    For a transposed convolution torch swaps them. In fact each of its outputs depends on
    `in_channels ∕ groups` maps, through one of every `stride` taps in each direction.
    """
    taps = prod(module.kernel_size)
    first, second = module.weight.shape[:2]
    if isinstance(module, _ConvTransposeNd):
        fan_in = first / module.groups * taps / prod(module.stride)
        return WeightMatrix(module.weight, fan_in, second * taps, activation=activation)
    return WeightMatrix(module.weight, second * taps, first * taps, activation=activation)


def _recurrent_matrices(module: nn.RNNBase) -> Iterator[WeightMatrix]:
    """Yields the matrices of each gate: input-to-hidden and hidden-to-hidden."""
    activations: dict[str, Activation] = {"RNN_TANH": nn.Tanh(), "RNN_RELU": nn.ReLU()}
    activation = activations.get(module.mode)
    for name, parameter in module.named_parameters(recurse=False):
        if name.startswith("weight"):
            kind: Kind = "recurrent" if "_hh" in name else "plain"
            for gate in parameter.chunk(1 if "_hr" in name else GATE_COUNTS[module.mode]):
                yield WeightMatrix(gate, gate.shape[1], gate.shape[0], kind, activation)
