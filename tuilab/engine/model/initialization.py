"""Where the weights begin.

Norms, learned positions and class tokens keep PyTorch's own beginning, as do layers that came
with trained weights.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod, sqrt
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

from tuilab.core.catalogue import initializations as lab
from tuilab.core.errors import InputError
from tuilab.engine.model import lsuv
from tuilab.engine.model.build_network import labelled
from tuilab.engine.model.gains import Follower, followers, gain_of
from tuilab.engine.model.layers.sequence import open_forget_gates
from tuilab.engine.model.layers.torchvision_models import pretrained

MEASURED = (nn.Linear, _ConvNd)
"""Layers whose output is that of their one weight, so that it can be scaled."""

OWNERS = (*MEASURED, nn.RNNBase, nn.MultiheadAttention, nn.Embedding)
"""Layers whose weights begin as the knob says."""

GATES = {"RNN_TANH": 1, "RNN_RELU": 1, "LSTM": 4, "GRU": 3}


@dataclass(frozen=True, slots=True)
class Matrix:
    """One matrix or kernel, and what decides how large its values may be."""

    weight: Tensor
    fan_in: float
    "How many inputs each output hears."
    fan_out: float
    "How many outputs each input reaches."
    kind: Literal["plain", "recurrent", "lookup"] = "plain"
    follower: Follower | None = None
    "The activation after it."


def initialize(
    network: nn.Module, knobs: lab.Initialization, inputs: Tensor | None = None
) -> list[str]:
    """Set the matrices and kernels of a new network.

    Args:
        inputs: prepared training examples on the network's device, for LSUV to measure with.

    Returns:
        The labels of layers whose output LSUV could not bring to spread 1.
    """
    kept = pretrained(network)
    owners = [m for m in network.modules() if isinstance(m, OWNERS) and m not in kept]
    following = followers(network, OWNERS)
    with torch.no_grad():
        for module in owners:
            for matrix in matrices(module, following[module]):
                _begin(matrix, knobs)
            if isinstance(module, nn.Embedding) and module.padding_idx is not None:
                module.weight[module.padding_idx] = 0
            if knobs.bias == "zeros":
                _zero_biases(module)
    if not isinstance(knobs, lab.LSUV):
        return []
    if inputs is None:
        raise InputError("lsuv needs training examples to measure with", "initialization.weights")
    measured: list[nn.Module] = [m for m in owners if isinstance(m, MEASURED)]
    return _labels(network, lsuv.scale(network, measured, knobs, inputs))


def _labels(network: nn.Module, modules: list[nn.Module]) -> list[str]:
    weights = {id(module.weight) for module in modules}
    return [
        label
        for label, parameters in labelled(network).items()
        if any(id(parameter) in weights for parameter in parameters)
    ]


def _zero_biases(module: nn.Module) -> None:
    for name, parameter in module.named_parameters(recurse=False):
        if "bias" in name:
            parameter.zero_()
    if isinstance(module, nn.LSTM) and hasattr(module, "forget_bias"):
        open_forget_gates(module, module.forget_bias)  # type: ignore[arg-type]


# --- what there is to begin -----------------------------------------------------------------


def matrices(module: nn.Module, follower: Follower | None) -> Iterator[Matrix]:
    """The matrices of one layer; those that are stored as one are taken apart."""
    if isinstance(module, nn.Linear):
        yield Matrix(module.weight, module.in_features, module.out_features, follower=follower)
    elif isinstance(module, _ConvNd):
        yield _kernel(module, follower)
    elif isinstance(module, nn.Embedding):
        yield Matrix(module.weight, 1, module.embedding_dim, "lookup")
    elif isinstance(module, nn.RNNBase):
        yield from _recurrent(module)
    elif isinstance(module, nn.MultiheadAttention):
        for name, parameter in module.named_parameters(recurse=False):
            if "weight" in name:
                for part in torch.split(parameter, module.embed_dim):  # queries, keys, values
                    yield Matrix(part, part.shape[1], part.shape[0])


def _kernel(module: _ConvNd, follower: Follower | None) -> Matrix:
    """A convolution's, with the fans that torch.nn.init computes.

    Those of a transposed convolution torch takes for the other way round: each of its outputs
    hears `in_channels ∕ groups` maps, through one of every `stride` taps in each direction.
    """
    taps = prod(module.kernel_size)
    first, second = module.weight.shape[:2]
    if isinstance(module, _ConvTransposeNd):
        heard = first / module.groups * taps / prod(module.stride)
        return Matrix(module.weight, heard, second * taps, follower=follower)
    return Matrix(module.weight, second * taps, first * taps, follower=follower)


def _recurrent(module: nn.RNNBase) -> Iterator[Matrix]:
    """The matrix of each gate: from the input, and from the state before."""
    follower: dict[str, Follower] = {"RNN_TANH": nn.Tanh(), "RNN_RELU": nn.ReLU()}
    for name, parameter in module.named_parameters(recurse=False):
        if name.startswith("weight"):
            for gate in parameter.chunk(1 if "_hr" in name else GATES[module.mode]):
                kind: Any = "recurrent" if "_hh" in name else "plain"
                yield Matrix(gate, gate.shape[1], gate.shape[0], kind, follower.get(module.mode))


# --- how it begins --------------------------------------------------------------------------


def _begin(matrix: Matrix, knobs: lab.Initialization) -> None:
    if isinstance(knobs, lab.Default) or (knobs.follows_fan and matrix.kind == "lookup"):
        return
    is_turning = knobs.follows_fan and matrix.kind == "recurrent"
    fill = _orthogonal if is_turning else FILLS[type(knobs)]
    weight = matrix.weight
    fresh = torch.empty(weight.shape, dtype=weight.dtype, device=weight.device)  # in plain order
    fill(fresh, matrix, lab.Orthogonal() if is_turning else knobs)
    weight.copy_(fresh)


def _gain(nonlinearity: str, matrix: Matrix) -> float:
    if nonlinearity == "auto":
        return gain_of(matrix.follower)
    return float(nn.init.calculate_gain(nonlinearity))  # type: ignore[arg-type]


def _xavier(knobs: lab.XavierNormal | lab.XavierUniform, matrix: Matrix) -> float:
    return _gain(knobs.nonlinearity, matrix) * sqrt(2 / (matrix.fan_in + matrix.fan_out))


def _kaiming(knobs: lab.KaimingNormal | lab.KaimingUniform, matrix: Matrix) -> float:
    fan = matrix.fan_in if knobs.mode == "fan_in" else matrix.fan_out
    return _gain(knobs.nonlinearity, matrix) / sqrt(fan)


def _even(w: Tensor, std: float) -> None:
    nn.init.uniform_(w, -sqrt(3) * std, sqrt(3) * std)


def _orthogonal(w: Tensor, matrix: Matrix, knobs: Any) -> None:
    nn.init.orthogonal_(w, gain=getattr(knobs, "gain", 1.0))


FILLS: dict[type[lab.Initialization], Callable[[Tensor, Matrix, Any], object]] = {
    lab.XavierUniform: lambda w, matrix, knobs: _even(w, _xavier(knobs, matrix)),
    lab.XavierNormal: lambda w, matrix, knobs: w.normal_(0, _xavier(knobs, matrix)),
    lab.KaimingUniform: lambda w, matrix, knobs: _even(w, _kaiming(knobs, matrix)),
    lab.KaimingNormal: lambda w, matrix, knobs: w.normal_(0, _kaiming(knobs, matrix)),
    lab.LecunUniform: lambda w, matrix, knobs: _even(w, sqrt(1 / matrix.fan_in)),
    lab.LecunNormal: lambda w, matrix, knobs: w.normal_(0, sqrt(1 / matrix.fan_in)),
    lab.Orthogonal: _orthogonal,
    lab.LSUV: _orthogonal,
    # torch cuts at absolute a and b: two standard deviations only where the spread is 1.
    lab.TruncatedNormal: lambda w, matrix, knobs: nn.init.trunc_normal_(w).mul_(knobs.std),
    lab.Normal: lambda w, matrix, knobs: w.normal_(0, knobs.std),
    lab.Uniform: lambda w, matrix, knobs: w.uniform_(-knobs.bound, knobs.bound),
    lab.Constant: lambda w, matrix, knobs: w.fill_(knobs.value),
    lab.Zeros: lambda w, matrix, knobs: w.zero_(),
    lab.Sparse: lambda w, matrix, knobs: nn.init.sparse_(w.flatten(1), knobs.sparsity, knobs.std),
}
