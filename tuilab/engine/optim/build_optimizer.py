"""Optimizers by name; their knobs can be moved while they run.

Every group of parameters says by `decays` whether it is one of weights, and by `scale` what the
learning rate is multiplied by for it: `group["lr"] = lr * group["scale"]`.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn
from torch.nn import Parameter

from tuilab.core.catalogue import optimizers as lab
from tuilab.core.errors import InputError
from tuilab.engine.device import lazy_dynamo
from tuilab.engine.learner_code.learner_optimizer import LearnerOptimizer
from tuilab.engine.optim.combined import CombinedOptimizer
from tuilab.engine.optim.lion import Lion
from tuilab.engine.optim.parameter_groups import by_layer
from tuilab.engine.optim.patched import LBFGS, SGD

CLASSES: dict[type[lab.Optimizer], type[torch.optim.Optimizer]] = {
    lab.SGD: SGD,
    lab.Adagrad: torch.optim.Adagrad,
    lab.Adadelta: torch.optim.Adadelta,
    lab.RMSprop: torch.optim.RMSprop,
    lab.Adam: torch.optim.Adam,
    lab.AdamW: torch.optim.AdamW,
    lab.NAdam: torch.optim.NAdam,
    lab.RAdam: torch.optim.RAdam,
    lab.Lion: Lion,
    lab.Own: LearnerOptimizer,
}

FUSED = (lab.SGD, lab.Adam, lab.AdamW)
"""One kernel for all parameters, two to four times as fast as a loop over them."""


lazy_dynamo.put_off()


def build(knobs: lab.Optimizer, network: nn.Module | Iterable[Parameter]) -> torch.optim.Optimizer:
    """The torch optimizer of all parameters, in its fused form where there is one."""
    parameters = list(network.parameters() if isinstance(network, nn.Module) else network)
    if isinstance(knobs, lab.LBFGS):
        return LBFGS(parameters, **_arguments(knobs))
    layers = by_layer(network if isinstance(network, nn.Module) else parameters)
    weights = [parameter for layer in layers for parameter in layer]
    rest = _without(parameters, weights)
    if isinstance(knobs, lab.Muon):
        return _muon(knobs, layers, rest)
    fast: dict[str, Any] = {"foreach": True}
    if isinstance(knobs, (lab.Lion, lab.Own)):
        fast = {}
    elif _is_fused(knobs, weights + rest):
        fast = {"fused": True}
    optimizer = CLASSES[type(knobs)](_groups(weights, rest), **_arguments(knobs), **fast)
    adjust(optimizer, knobs)
    return optimizer


def _without(parameters: list[Parameter], some: list[Parameter]) -> list[Parameter]:
    """The others, in order; parameters are told apart by identity."""
    held = set(map(id, some))
    return [parameter for parameter in parameters if id(parameter) not in held]


def _groups(weights: list[Parameter], rest: list[Parameter]) -> list[dict[str, Any]]:
    """At most two groups, so that the fused kernels stay large."""
    parts = ((weights, True), (rest, False))
    return [{"params": some, "decays": decays, "scale": 1.0} for some, decays in parts if some]


def _is_fused(knobs: lab.Optimizer, parameters: list[Parameter]) -> bool:
    on_cpu = all(parameter.device.type == "cpu" for parameter in parameters)
    return isinstance(knobs, FUSED) or (isinstance(knobs, lab.Adagrad) and on_cpu)


def _muon(
    knobs: lab.Muon, layers: list[list[Parameter]], rest: list[Parameter]
) -> torch.optim.Optimizer:
    """Muon for the matrices of all layers but the last, AdamW for all else."""
    matrices = [p for layer in layers[:-1] for p in layer if p.ndim == 2]
    if not matrices:
        raise InputError(
            "muon moves the matrices of hidden layers, and this network has none; "
            "put a Linear before the last layer, or use adamw",
            "optimizer.name",
        )
    others = _without([p for layer in layers for p in layer], matrices)
    optimizer = CombinedOptimizer(
        [
            torch.optim.Muon(_groups(matrices, [])),
            torch.optim.AdamW(_groups(others, rest), fused=True),
        ]
    )
    adjust(optimizer, knobs)
    return optimizer


def needs_closure(knobs: lab.Optimizer) -> bool:
    """Whether a step asks for the gradient at several points."""
    return knobs.needs_closure


def scale(optimizer: torch.optim.Optimizer, factor: float) -> None:
    """Multiply the learning rate of all groups, beside what the optimizer does itself."""
    for group in optimizer.param_groups:
        group["scale"] = group.get("ratio", 1.0) * factor


# --- while it runs --------------------------------------------------------------------------


def adjust(optimizer: torch.optim.Optimizer, knobs: lab.Optimizer) -> None:
    """Move the knobs of a running optimizer; its memory of past gradients stays.

    The scales begin anew: call `scale` after it where there is one.
    """
    if isinstance(optimizer, CombinedOptimizer):
        for one in optimizer.optimizers:
            adjust(one, knobs)
        return
    arguments, ratio = _arguments(knobs), 1.0
    if isinstance(knobs, lab.Muon) and not isinstance(optimizer, torch.optim.Muon):
        arguments, ratio = {"weight_decay": knobs.weight_decay}, knobs.adamw_lr
    for group in optimizer.param_groups:
        _begin_elsewhere(optimizer, group, arguments)
        group.update(arguments, lr=knobs.lr * ratio, ratio=ratio, scale=ratio)
        if isinstance(knobs, lab.Decaying):
            decays = group["decays"] or knobs.weight_decay_on == "all"
            group["weight_decay"] = knobs.weight_decay if decays else 0.0
        for parameter in group["params"]:
            _remember(optimizer, parameter, group)


def _begin_elsewhere(
    optimizer: torch.optim.Optimizer, group: dict[str, Any], arguments: dict[str, Any]
) -> None:
    """Give Adagrad's sums the value that they would have from another beginning."""
    knob = "initial_accumulator_value"
    if knob in group and group[knob] != arguments[knob]:
        for parameter in group["params"]:
            optimizer.state[parameter]["sum"].add_(arguments[knob] - group[knob])


def _arguments(knobs: lab.Optimizer) -> dict[str, Any]:
    """What the torch class takes."""
    arguments = {name: getattr(knobs, name) for name in knobs.__struct_fields__}
    for own in ("weight_decay_on", "adamw_lr"):
        arguments.pop(own, None)
    if arguments.get("nesterov") and (not arguments["momentum"] or arguments.get("dampening")):
        arguments["nesterov"] = False  # both may be turned while it runs
    if isinstance(knobs, lab.LBFGS):
        arguments["max_eval"] = knobs.max_iter * 5 // 4  # torch's own default
        if knobs.line_search_fn == "none":
            arguments["line_search_fn"] = None
    return arguments


def _remember(
    optimizer: torch.optim.Optimizer, parameter: Parameter, group: dict[str, Any]
) -> None:
    """Give a running optimizer the memory that a knob turned now makes it look for."""
    state = optimizer.state.get(parameter)
    if not state:
        return
    if "history_size" in group and state.get("old_dirs"):
        for past in ("old_dirs", "old_stps", "ro"):
            del state[past][: -group["history_size"]]
    state.pop("al", None)  # LBFGS makes a new one, of the right length
    if isinstance(optimizer, torch.optim.RMSprop):
        for knob, memory in (("momentum", "momentum_buffer"), ("centered", "grad_avg")):
            if group[knob] and memory not in state:
                state[memory] = torch.zeros_like(parameter)
    if group.get("amsgrad") and "max_exp_avg_sq" not in state:
        state["max_exp_avg_sq"] = state["exp_avg_sq"].clone()
