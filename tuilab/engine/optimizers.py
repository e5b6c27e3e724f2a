"""Optimizers by name; their knobs can be moved while they run."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch.nn import Parameter

from tuilab.lab.catalogue.optimizers import SGD, Adam, AdamW, Optimizer, RMSprop

CLASSES: dict[type[Optimizer], Callable[..., torch.optim.Optimizer]] = {
    SGD: torch.optim.SGD,
    RMSprop: torch.optim.RMSprop,
    Adam: torch.optim.Adam,
    AdamW: torch.optim.AdamW,
}

FUSED = (SGD, Adam, AdamW)
"""One kernel for all parameters, two to four times as fast as a loop over them."""


def build(knobs: Optimizer, parameters: Iterable[Parameter]) -> torch.optim.Optimizer:
    """The torch optimizer, in its fused form where there is one."""
    fast = {"fused": True} if isinstance(knobs, FUSED) else {"foreach": True}
    return CLASSES[type(knobs)](list(parameters), **_arguments(knobs), **fast)


def adjust(optimizer: torch.optim.Optimizer, knobs: Optimizer) -> None:
    """Move the knobs of a running optimizer; its memory of past gradients stays."""
    for group in optimizer.param_groups:
        group.update(_arguments(knobs))


def _arguments(knobs: Optimizer) -> dict[str, Any]:
    arguments = {name: getattr(knobs, name) for name in knobs.__struct_fields__}
    if arguments.get("nesterov") and not arguments.get("momentum"):
        arguments["nesterov"] = False  # momentum may be turned to 0 while it runs
    return arguments
