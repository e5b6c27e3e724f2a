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

UNIFORM = (catalogue.XavierUniform, catalogue.KaimingUniform, catalogue.LecunUniform)


@initialization(catalogue.XavierUniform, catalogue.XavierNormal)
def _xavier(
    w: Tensor, matrix: WeightMatrix, config: catalogue.XavierUniform | catalogue.XavierNormal
) -> None:
    gain = _gain(config.nonlinearity, matrix)
    _fill(w, gain * sqrt(2 / (matrix.fan_in + matrix.fan_out)), config)


@initialization(catalogue.KaimingUniform, catalogue.KaimingNormal)
def _kaiming(
    w: Tensor, matrix: WeightMatrix, config: catalogue.KaimingUniform | catalogue.KaimingNormal
) -> None:
    fan = matrix.fan_in if config.mode == "fan_in" else matrix.fan_out
    _fill(w, _gain(config.nonlinearity, matrix) / sqrt(fan), config)


@initialization(catalogue.LecunUniform, catalogue.LecunNormal)
def _lecun(w: Tensor, matrix: WeightMatrix, config: catalogue.Initialization) -> None:
    _fill(w, sqrt(1 / matrix.fan_in), config)


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


def _fill(w: Tensor, std: float, config: catalogue.Initialization) -> None:
    """Draws from the uniform or the normal distribution with this standard deviation."""
    if isinstance(config, UNIFORM):
        nn.init.uniform_(w, -sqrt(3) * std, sqrt(3) * std)
    else:
        w.normal_(0, std)


def _gain(nonlinearity: str, matrix: WeightMatrix) -> float:
    if nonlinearity == "auto":
        return gain_of(matrix.activation)
    return float(nn.init.calculate_gain(nonlinearity))  # type: ignore[arg-type]
