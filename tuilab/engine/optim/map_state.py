"""The state of an optimizer for a changed network, from that of the network before."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from tuilab.engine.model.surgery import Sources, TensorSource
from tuilab.engine.optim.combined import CombinedOptimizer
from tuilab.engine.optim.schedule_free import counters

GRADIENT_POWERS = {
    "exp_avg": 1, "momentum_buffer": 1, "grad_avg": 1, "exp_inf": 1, "prev": 1,
    "step_size": 0, "acc_delta": 0, "exp_avg_sq": 2, "max_exp_avg_sq": 2, "square_avg": 2, "sum": 2,
}  # fmt: skip
"""What optimizers keep for each weight, and the power of the gradient that it grows with."""

WEIGHT_LIKE = ("z", "ax")
"""Averages of the weights themselves."""


def map_state(
    before: Optimizer, after: Optimizer, networks: tuple[nn.Module, nn.Module], sources: Sources
) -> list[str]:
    """Gives a new optimizer the state of the one before; returns the names of what starts anew.

    What is remembered of weights that are as before is kept; of copied units it is copied as if
    they had been there all along.

    Args:
        networks: the network before and the changed one.
    """
    old_parameters, owners = dict(networks[0].named_parameters()), _owners(before)
    reset: list[str] = []
    for leaf, old_leaf in zip(_leaves(after), _leaves(before), strict=True):
        for group, old_group in zip(leaf.param_groups, old_leaf.param_groups, strict=False):
            if group["decays"] == old_group["decays"] if "decays" in group else True:
                group.update(counters(old_group))
    new_owners = _owners(after)
    for name, parameter in networks[1].named_parameters():
        source, owner = sources[name], new_owners.get(parameter)
        if source is None or owner is None:
            continue
        old = old_parameters[source.name]
        state = owners[old].state.get(old) if old in owners else None
        if not state:
            continue
        is_same_kind = type(owner) is type(owners[old])
        mapped = _map_state(state, old, source) if is_same_kind else None
        if mapped is None or isinstance(owner, torch.optim.LBFGS):
            reset.append(name)
        else:
            owner.state[parameter] = mapped
    return reset


def _leaves(optimizer: Optimizer) -> Iterator[Optimizer]:
    """Yields the optimizers that a combined one consists of, or the only one."""
    if isinstance(optimizer, CombinedOptimizer):
        for part in optimizer.optimizers:
            yield from _leaves(part)
    else:
        yield optimizer


def _owners(optimizer: Optimizer) -> dict[Tensor, Optimizer]:
    return {
        parameter: leaf
        for leaf in _leaves(optimizer)
        for group in leaf.param_groups
        for parameter in group["params"]
    }


def _map_state(
    state: dict[str, Any], parameter: Tensor, source: TensorSource
) -> dict[str, Any] | None:
    """Returns the state of a changed parameter; None if it has to start anew."""
    if source.is_unchanged:
        return {key: _copy(value) for key, value in state.items()}
    mapped: dict[str, Any] = {}
    for key, value in state.items():
        if not isinstance(value, Tensor) or not value.dim():
            mapped[key] = _copy(value)
        elif value.shape == parameter.shape and key in GRADIENT_POWERS:
            mapped[key] = source.map_gradients(value, GRADIENT_POWERS[key])
        elif value.shape == parameter.shape and key in WEIGHT_LIKE:
            mapped[key] = source.map_weights(value)
        else:
            return None
    return mapped


def _copy(value: Any) -> Any:
    return value.detach().clone() if isinstance(value, Tensor) else value
