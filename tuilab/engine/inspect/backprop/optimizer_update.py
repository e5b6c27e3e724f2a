"""The update of one parameter by an optimizer, and which part of it came from what."""

from collections.abc import Callable
from math import sqrt
from typing import Any

import torch
from torch import Tensor

from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.inspect.backprop_messages import Derivation, NumberColumn
from tuilab.engine.inspect.backprop.replay import ParameterUpdate

GRADIENT, MOMENTUM, DECAY = "by the gradient", "by the momentum", "by weight decay"

MAX_NORM, WHOLE = "by max_norm", "by the optimizer"

STATE_NAMES = {
    "momentum_buffer": "momentum v", "exp_avg": "first moment m", "exp_avg_sq": "second moment v",
    "max_exp_avg_sq": "largest v", "square_avg": "mean square v", "grad_avg": "mean gradient",
    "sum": "sum of squares", "acc_delta": "mean square of updates",
}  # fmt: skip
"""What torch's names for the state of an optimizer are called here."""

Parts = dict[str, Tensor]
"""Summands of the update of the shown slice, [elements] each, by what they come from."""


def decompose_update(update: ParameterUpdate) -> Parts:
    """Splits an update into its parts, in double precision so that they do add up.

    The update of an optimizer that is not known here is one part.
    """
    if update.after_optimizer is None or update.after is None:
        return {}
    parts: Parts = {}
    if update.final_gradient is not None and (decompose := _find_decomposition(update.group)):
        parts = decompose(update)
    step = update.after_optimizer.double() - update.before.double()
    if not parts or not _adds_up(parts, step, update.before):
        parts = {WHOLE: step}
    limited = update.after.double() - update.after_optimizer.double()
    if bool((limited != 0).any()):
        parts[MAX_NORM] = limited
    without_zeros = {name: p for name, p in parts.items() if name != MOMENTUM or _is_nonzero(p)}
    return without_zeros or parts


def _adds_up(parts: Parts, step: Tensor, before: Tensor) -> bool:
    """Returns whether the parts are the step, but for the rounding of the weights."""
    rest = (torch.stack(list(parts.values())).sum(0) - step).abs()
    return bool((rest <= 1e-6 * (1 + before.abs()) + 1e-4 * step.abs()).all())


def _is_nonzero(part: Tensor) -> bool:
    return bool((part != 0).any())


def _find_decomposition(group: dict[str, Any]) -> Callable[[ParameterUpdate], Parts] | None:
    """Finds the rule of a group by its hyperparameters: several classes share one."""
    if "alpha" in group and "centered" in group:
        return _decompose_rmsprop
    if "amsgrad" in group and "betas" in group:
        return _decompose_adam
    return _decompose_sgd if "dampening" in group and "nesterov" in group else None


def _decompose_sgd(update: ParameterUpdate) -> Parts:
    group, gradient, decay = update.group, *_gradient_and_decay(update)
    lr, momentum = group["lr"], group["momentum"]
    buffer = update.state_before.get("momentum_buffer")
    fresh = 1.0 if buffer is None or not momentum else 1 - group["dampening"]
    gradient_share, momentum_share = fresh, momentum
    if momentum and group["nesterov"]:
        gradient_share, momentum_share = 1 + momentum * fresh, momentum * momentum
    parts = {GRADIENT: -lr * gradient_share * gradient}
    if momentum and buffer is not None:
        parts[MOMENTUM] = -lr * momentum_share * buffer.double()
    return parts | ({DECAY: -lr * gradient_share * decay} if _is_nonzero(decay) else {})


def _decompose_adam(update: ParameterUpdate) -> Parts:
    group, gradient, decay = update.group, *_gradient_and_decay(update)
    (beta1, beta2), step = group["betas"], update.state_after.get("step", 1.0)
    square = update.state_after.get("max_exp_avg_sq" if group["amsgrad"] else "exp_avg_sq")
    mean = update.state_before.get("exp_avg")
    if square is None:
        return {}
    scale = square.double().sqrt() / sqrt(1 - beta2**step) + group["eps"]
    rate = -group["lr"] / (1 - beta1**step) / scale
    parts = {GRADIENT: rate * (1 - beta1) * gradient}
    if mean is not None:
        parts[MOMENTUM] = rate * beta1 * mean.double()
    if _is_nonzero(decay):
        is_decoupled = group.get("decoupled_weight_decay", False)
        parts[DECAY] = -group["lr"] * decay if is_decoupled else rate * (1 - beta1) * decay
    return parts


def _decompose_rmsprop(update: ParameterUpdate) -> Parts:
    group, gradient, decay = update.group, *_gradient_and_decay(update)
    square, mean = (update.state_after.get(name) for name in ("square_avg", "grad_avg"))
    if square is None:
        return {}
    size = square.double()
    if group["centered"] and mean is not None:
        size = size - mean.double().square()
    rate = -group["lr"] / (size.sqrt() + group["eps"])
    parts = {GRADIENT: rate * gradient}
    buffer = update.state_before.get("momentum_buffer")
    if group["momentum"] and buffer is not None:
        parts[MOMENTUM] = -group["lr"] * group["momentum"] * buffer.double()
    return parts | ({DECAY: rate * decay} if _is_nonzero(decay) else {})


def _gradient_and_decay(update: ParameterUpdate) -> tuple[Tensor, Tensor]:
    """Returns the gradient that the optimizer was given, and what weight decay adds to it."""
    assert update.final_gradient is not None
    decay = update.group.get("weight_decay", 0.0)
    return update.final_gradient.double(), decay * update.before.double()


# --- as tables ----------------------------------------------------------------------------------


def update_columns(update: ParameterUpdate) -> list[NumberColumn]:
    """Returns old weight, gradient, update and new weight, row by row."""
    assert update.gradient is not None and update.after is not None
    gradient = update.slice_of(update.gradient)
    return [
        NumberColumn("w", update.before.tolist()),
        NumberColumn("dL/dw", gradient.tolist()),
        NumberColumn("update", (update.after.double() - update.before.double()).tolist()),
        NumberColumn("new w", update.after.tolist()),
    ]


def derive_updates(update: ParameterUpdate, experiment: Experiment) -> list[Derivation]:
    """Derives each row, from its gradient to its new weight."""
    lines = _derivation_lines(update, experiment)
    names = [name for name, _ in lines]
    rows = torch.stack([column.double() for _, column in lines], dim=1).tolist()
    return [Derivation("where it came from", names, [NumberColumn("", row)]) for row in rows]


def _derivation_lines(update: ParameterUpdate, experiment: Experiment) -> list[tuple[str, Tensor]]:
    assert update.gradient is not None and update.after is not None
    gradient, penalized = update.slice_of(update.gradient), update.penalized_gradient
    lines = [("gradient of the loss", gradient)]
    config, training = experiment.regularization, experiment.training
    has_penalty = penalized is not None and (config.l1 or config.l2)
    if has_penalty and penalized is not None and _is_nonzero(penalized - gradient):
        lines.append(("gradient of the penalties", penalized - gradient))
    if update.final_gradient is not None and penalized is not None:
        if training.clip_grad_norm or training.clip_grad_value:
            noise = " and noise" if config.gradient_noise else ""
            lines.append((f"gradient after clipping{noise}", update.final_gradient))
        elif config.gradient_noise:
            lines.append(("gradient with noise", update.final_gradient))
    for key, after in update.state_after.items():
        if isinstance(after, Tensor):
            before = update.state_before.get(key, torch.zeros_like(after))
            name = STATE_NAMES.get(key, key.replace("_", " "))
            lines += [(f"{name} before", before), (f"{name} after", after)]
    lines += [(f"update {name}", part) for name, part in decompose_update(update).items()]
    lines.append(("update in all", update.after.double() - update.before.double()))
    lines += [("old weight", update.before), ("new weight", update.after)]
    return lines
