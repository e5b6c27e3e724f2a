"""Building an optimizer, and changing its hyperparameters while it runs.

Every parameter group says in `decays` whether it holds weights, and in `scale` what the learning
rate is multiplied by for it: `group["lr"] = lr * group["scale"]`.
"""

from typing import Any

import torch
from torch import nn
from torch.nn import Parameter

from tuilab.core.catalogue.optimizers import Muon, Optimizer, WeightDecayOptimizer
from tuilab.engine.device import lazy_dynamo
from tuilab.engine.optim.combined import CombinedOptimizer
from tuilab.engine.optim.optimizers import OPTIMIZERS
from tuilab.engine.optim.parameter_groups import Group, ParameterGroups

lazy_dynamo.defer_import()


def build(config: Optimizer, network: nn.Module) -> torch.optim.Optimizer:
    """Returns the optimizer of a network.

    Raises:
        InputError: the optimizer cannot train this network.
    """
    return build_for(config, ParameterGroups(network))


def build_for(config: Optimizer, groups: ParameterGroups) -> torch.optim.Optimizer:
    """Returns the optimizer of parameter groups.

    Raises:
        InputError: the optimizer cannot train these.
    """
    optimizer = OPTIMIZERS[type(config)](groups, **config.arguments())
    update_hyperparameters(optimizer, config)
    return optimizer


def scale_lr(optimizer: torch.optim.Optimizer, factor: float) -> None:
    """Multiplies the learning rate of all groups by a factor, on top of their own ratios."""
    for group in optimizer.param_groups:
        group["scale"] = group.get("ratio", 1.0) * factor


def update_hyperparameters(optimizer: torch.optim.Optimizer, config: Optimizer) -> None:
    """Changes the hyperparameters of a running optimizer; its state stays.

    The factors of `scale_lr` are reset: call it again afterwards.
    """
    if isinstance(optimizer, CombinedOptimizer):
        for part in optimizer.optimizers:
            update_hyperparameters(part, config)
        return
    arguments, ratio = config.arguments(), 1.0
    if isinstance(config, Muon) and not isinstance(optimizer, torch.optim.Muon):
        arguments, ratio = {"weight_decay": config.weight_decay}, config.adamw_lr
    for group in optimizer.param_groups:
        _shift_adagrad_sums(optimizer, group, arguments)
        group.update(arguments, lr=config.lr * ratio, ratio=ratio, scale=ratio)
        if isinstance(config, WeightDecayOptimizer):
            decays = group["decays"] or config.weight_decay_on == "all"
            group["weight_decay"] = config.weight_decay if decays else 0.0
        for parameter in group["params"]:
            _complete_state(optimizer, parameter, group)


def _shift_adagrad_sums(
    optimizer: torch.optim.Optimizer, group: Group, arguments: dict[str, Any]
) -> None:
    """Changes Adagrad's sums as if they had started from another initial value."""
    name = "initial_accumulator_value"
    if name in group and group[name] != arguments[name]:
        for parameter in group["params"]:
            optimizer.state[parameter]["sum"].add_(arguments[name] - group[name])


def _complete_state(optimizer: torch.optim.Optimizer, parameter: Parameter, group: Group) -> None:
    """Adds what a newly enabled option expects in the state of a running optimizer."""
    state = optimizer.state.get(parameter)
    if not state:
        return
    if "history_size" in group and state.get("old_dirs"):
        for name in ("old_dirs", "old_stps", "ro"):
            del state[name][: -group["history_size"]]
    state.pop("al", None)  # LBFGS makes a new one, of the right length
    if isinstance(optimizer, torch.optim.RMSprop):
        for option, name in (("momentum", "momentum_buffer"), ("centered", "grad_avg")):
            if group[option] and name not in state:
                state[name] = torch.zeros_like(parameter)
    if group.get("amsgrad") and "max_exp_avg_sq" not in state:
        state["max_exp_avg_sq"] = state["exp_avg_sq"].clone()
