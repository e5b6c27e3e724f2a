"""The library `schedulefree`, an optional dependency: imported when an optimizer of it is built.

Its optimizers train the weights y and remember z; what is to be evaluated is x, an average.
"""

from importlib import import_module
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from tuilab.core.errors import InputError
from tuilab.engine.optim.combined import CombinedOptimizer

COUNTERS = ("k", "weight_sum", "lr_max", "scheduled_lr")
"""What the library counts in a parameter group, beside its hyperparameters."""


def counters(group: dict[str, Any]) -> dict[str, Any]:
    """Returns what a parameter group has counted, which a checkpoint restores; else {}."""
    return {name: group[name] for name in COUNTERS if name in group}


def import_schedulefree() -> ModuleType:
    """Imports the library; InputError if it is not installed."""
    try:
        return import_module("schedulefree")
    except ImportError:
        raise InputError(
            "schedule_free_adamw needs schedulefree: uv pip install 'tuilab[schedule-free]'",
            "optimizer.name",
        ) from None


@torch.no_grad()
def averaged_weights(optimizer: torch.optim.Optimizer) -> dict[nn.Parameter, Tensor]:
    """Returns x, in the shape of each parameter that such an optimizer has updated; else {}.

    y = (1 − β₁) z + β₁ x, hence x = y + (1 − 1 ∕ β₁) (z − y).
    """
    if isinstance(optimizer, CombinedOptimizer):
        parts = [averaged_weights(part) for part in optimizer.optimizers]
        return {parameter: x for part in parts for parameter, x in part.items()}
    return {
        parameter: parameter.lerp(optimizer.state[parameter]["z"], 1 - 1 / group["betas"][0])
        for group in optimizer.param_groups
        if "weight_lr_power" in group  # no other optimizer has it
        for parameter in group["params"]
        if "z" in optimizer.state.get(parameter, {})
    }
