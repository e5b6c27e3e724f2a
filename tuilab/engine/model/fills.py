"""What the engine does for each initialization of the catalogue.

A new initialization is a struct in `core/catalogue/initializations.py` and, here, a function marked
`@initialization(…)`: it fills `w`, in the shape [*shape] of one weight matrix or kernel, in place.
"""

from collections.abc import Callable
from math import sqrt
from typing import Any

from torch import Tensor, nn

from tuilab.core.catalogue import initializations as catalogue
from tuilab.engine.model.gains import gain_of
from tuilab.engine.model.weight_matrices import WeightMatrix
from tuilab.engine.registry import Registry

FILLS: Registry[type[catalogue.Initialization], Callable[[Tensor, WeightMatrix, Any], None]]
FILLS = Registry("initialization")
initialization = FILLS.register


@initialization(catalogue.XavierUniform)
def _xavier_uniform(w: Tensor, matrix: WeightMatrix, config: catalogue.XavierUniform) -> None:
    _fill_uniform(w, _xavier_std(matrix, config.nonlinearity))


@initialization(catalogue.XavierNormal)
def _xavier_normal(w: Tensor, matrix: WeightMatrix, config: catalogue.XavierNormal) -> None:
    w.normal_(0, _xavier_std(matrix, config.nonlinearity))


@initialization(catalogue.KaimingUniform)
def _kaiming_uniform(w: Tensor, matrix: WeightMatrix, config: catalogue.KaimingUniform) -> None:
    _fill_uniform(w, _kaiming_std(matrix, config.nonlinearity, config.mode))


@initialization(catalogue.KaimingNormal)
def _kaiming_normal(w: Tensor, matrix: WeightMatrix, config: catalogue.KaimingNormal) -> None:
    w.normal_(0, _kaiming_std(matrix, config.nonlinearity, config.mode))


@initialization(catalogue.LecunUniform)
def _lecun_uniform(w: Tensor, matrix: WeightMatrix, config: catalogue.LecunUniform) -> None:
    _fill_uniform(w, sqrt(1 / matrix.fan_in))


@initialization(catalogue.LecunNormal)
def _lecun_normal(w: Tensor, matrix: WeightMatrix, config: catalogue.LecunNormal) -> None:
    w.normal_(0, sqrt(1 / matrix.fan_in))


@initialization(catalogue.Orthogonal)
def _orthogonal(w: Tensor, matrix: WeightMatrix, config: catalogue.Orthogonal) -> None:
    nn.init.orthogonal_(w, gain=config.gain)


@initialization(catalogue.LSUV)
def _lsuv(w: Tensor, matrix: WeightMatrix, config: catalogue.LSUV) -> None:
    nn.init.orthogonal_(w)  # scaled afterwards, by the outputs for a batch


@initialization(catalogue.TruncatedNormal)
def _truncated_normal(w: Tensor, matrix: WeightMatrix, config: catalogue.TruncatedNormal) -> None:
    # torch truncates at absolute a and b: at two standard deviations only where std is 1.
    nn.init.trunc_normal_(w).mul_(config.std)


@initialization(catalogue.Normal)
def _normal(w: Tensor, matrix: WeightMatrix, config: catalogue.Normal) -> None:
    w.normal_(0, config.std)


@initialization(catalogue.Uniform)
def _uniform(w: Tensor, matrix: WeightMatrix, config: catalogue.Uniform) -> None:
    w.uniform_(-config.bound, config.bound)


@initialization(catalogue.Constant)
def _constant(w: Tensor, matrix: WeightMatrix, config: catalogue.Constant) -> None:
    w.fill_(config.value)


@initialization(catalogue.Zeros)
def _zeros(w: Tensor, matrix: WeightMatrix, config: catalogue.Zeros) -> None:
    w.zero_()


@initialization(catalogue.Sparse)
def _sparse(w: Tensor, matrix: WeightMatrix, config: catalogue.Sparse) -> None:
    nn.init.sparse_(w.flatten(1), config.sparsity, config.std)


def _fill_uniform(w: Tensor, std: float) -> None:
    nn.init.uniform_(w, -sqrt(3) * std, sqrt(3) * std)


def _xavier_std(matrix: WeightMatrix, nonlinearity: str) -> float:
    return _gain(nonlinearity, matrix) * sqrt(2 / (matrix.fan_in + matrix.fan_out))


def _kaiming_std(matrix: WeightMatrix, nonlinearity: str, mode: str) -> float:
    fan = matrix.fan_in if mode == "fan_in" else matrix.fan_out
    return _gain(nonlinearity, matrix) / sqrt(fan)


def _gain(nonlinearity: str, matrix: WeightMatrix) -> float:
    if nonlinearity == "auto":
        return gain_of(matrix.activation)
    return float(nn.init.calculate_gain(nonlinearity))  # type: ignore[arg-type]
