"""What an optimizer did to one parameter, and which part of the move came from what."""

from collections.abc import Callable
from math import sqrt
from typing import Any

import torch
from torch import Tensor

from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.inspect.backprop_messages import Numbers, Origin
from tuilab.engine.inspect.backprop.replay import ParameterUpdate

GRADIENT, MOMENTUM, DECAY = "by the gradient", "by the momentum", "by weight decay"

LIMIT, WHOLE = "by max_norm", "by the optimizer"

MEMORIES = {
    "momentum_buffer": "momentum v", "exp_avg": "first moment m", "exp_avg_sq": "second moment v",
    "max_exp_avg_sq": "largest v", "square_avg": "mean square v", "grad_avg": "mean gradient",
    "sum": "sum of squares", "acc_delta": "mean square of moves",
}  # fmt: skip
"""How an optimizer's memory is called here, by torch's name."""

Parts = dict[str, Tensor]


def parts(moved: ParameterUpdate) -> Parts:
    """The move of the stretch as a sum; double precision, so that the parts do add up.

    An optimizer that is not taken apart moves as a whole.
    """
    if moved.stepped is None or moved.after is None:
        return {}
    found: Parts = {}
    if moved.final is not None and (take := TAKEN_APART.get(_kind(moved))) is not None:
        found = take(moved)
    move = moved.stepped.double() - moved.before.double()
    if not found or not _adds_up(found, move, moved.before):
        found = {WHOLE: move}
    limited = moved.after.double() - moved.stepped.double()
    if bool((limited != 0).any()):
        found[LIMIT] = limited
    return {name: part for name, part in found.items() if name != MOMENTUM or _has(part)} or found


def _adds_up(found: Parts, move: Tensor, before: Tensor) -> bool:
    """Whether the parts are the move, but for the rounding of the weights."""
    rest = (torch.stack(list(found.values())).sum(0) - move).abs()
    return bool((rest <= 1e-6 * (1 + before.abs()) + 1e-4 * move.abs()).all())


def _has(part: Tensor) -> bool:
    return bool((part != 0).any())


def _kind(moved: ParameterUpdate) -> str:
    """Which rule a group follows, told by its knobs: several classes follow one."""
    group = moved.group
    if "alpha" in group and "centered" in group:
        return "rmsprop"
    if "amsgrad" in group and "betas" in group:
        return "adam"
    return "sgd" if "dampening" in group and "nesterov" in group else ""


def _sgd(moved: ParameterUpdate) -> Parts:
    group, gradient, decay = moved.group, *_pulled(moved)
    lr, momentum = group["lr"], group["momentum"]
    old = moved.memory_before.get("momentum_buffer")
    fresh = 1.0 if old is None or not momentum else 1 - group["dampening"]
    share, kept = fresh, momentum
    if momentum and group["nesterov"]:
        share, kept = 1 + momentum * fresh, momentum * momentum
    found = {GRADIENT: -lr * share * gradient}
    if momentum and old is not None:
        found[MOMENTUM] = -lr * kept * old.double()
    return found | ({DECAY: -lr * share * decay} if _has(decay) else {})


def _adam(moved: ParameterUpdate) -> Parts:
    group, gradient, decay = moved.group, *_pulled(moved)
    (first, second), step = group["betas"], moved.memory_after.get("step", 1.0)
    is_apart = group.get("decoupled_weight_decay", False)
    after = moved.memory_after
    square = after.get("max_exp_avg_sq" if group["amsgrad"] else "exp_avg_sq")
    old = moved.memory_before.get("exp_avg")
    if square is None:
        return {}
    scale = square.double().sqrt() / sqrt(1 - second**step) + group["eps"]
    rate = -group["lr"] / (1 - first**step) / scale
    found = {GRADIENT: rate * (1 - first) * gradient}
    if old is not None:
        found[MOMENTUM] = rate * first * old.double()
    if _has(decay):
        found[DECAY] = -group["lr"] * decay if is_apart else rate * (1 - first) * decay
    return found


def _rmsprop(moved: ParameterUpdate) -> Parts:
    group, gradient, decay = moved.group, *_pulled(moved)
    square, mean = (moved.memory_after.get(name) for name in ("square_avg", "grad_avg"))
    if square is None:
        return {}
    size = square.double()
    if group["centered"] and mean is not None:
        size = size - mean.double().square()
    rate = -group["lr"] / (size.sqrt() + group["eps"])
    found = {GRADIENT: rate * gradient}
    old = moved.memory_before.get("momentum_buffer")
    if group["momentum"] and old is not None:
        found[MOMENTUM] = -group["lr"] * group["momentum"] * old.double()
    return found | ({DECAY: rate * decay} if _has(decay) else {})


def _pulled(moved: ParameterUpdate) -> tuple[Tensor, Tensor]:
    """The gradient that the optimizer was given, and what weight decay adds to it."""
    assert moved.final is not None
    decay = moved.group.get("weight_decay", 0.0)
    return moved.final.double(), decay * moved.before.double()


TAKEN_APART: dict[str, Callable[[ParameterUpdate], Parts]] = {
    "sgd": _sgd, "adam": _adam, "rmsprop": _rmsprop,
}  # fmt: skip


# --- as tables ----------------------------------------------------------------------------------


def columns(moved: ParameterUpdate) -> list[Numbers]:
    """Old weight, gradient, move and new weight, row by row."""
    assert moved.raw is not None and moved.after is not None
    raw = moved.cut(moved.raw)
    return [
        Numbers("w", moved.before.tolist()),
        Numbers("dL/dw", raw.tolist()),
        Numbers("update", (moved.after.double() - moved.before.double()).tolist()),
        Numbers("new w", moved.after.tolist()),
    ]


def origins(moved: ParameterUpdate, experiment: Experiment) -> list[Origin]:
    """For each row, from its gradient to its new weight."""
    lines = _lines(moved, experiment)
    names = [name for name, _ in lines]
    rows = torch.stack([column.double() for _, column in lines], dim=1).tolist()
    return [Origin("where it came from", names, [Numbers("", values)]) for values in rows]


def _lines(moved: ParameterUpdate, experiment: Experiment) -> list[tuple[str, Tensor]]:
    assert moved.raw is not None and moved.after is not None
    raw = moved.cut(moved.raw)
    lines = [("gradient of the loss", raw)]
    knobs, training = experiment.regularization, experiment.training
    if moved.penalized is not None and (knobs.l1 or knobs.l2) and _has(moved.penalized - raw):
        lines.append(("gradient of the penalties", moved.penalized - raw))
    if moved.final is not None and moved.penalized is not None:
        if training.clip_grad_norm or training.clip_grad_value:
            words = "gradient after clipping"
            lines.append((words + (" and noise" if knobs.gradient_noise else ""), moved.final))
        elif knobs.gradient_noise:
            lines.append(("gradient with noise", moved.final))
    for name, after in moved.memory_after.items():
        if isinstance(after, Tensor):
            before = moved.memory_before.get(name, torch.zeros_like(after))
            called = MEMORIES.get(name, name.replace("_", " "))
            lines += [(f"{called} before", before), (f"{called} after", after)]
    lines += [(f"update {name}", part) for name, part in parts(moved).items()]
    lines.append(("update in all", moved.after.double() - moved.before.double()))
    lines += [("old weight", moved.before), ("new weight", moved.after)]
    return lines


def step_of(moved: ParameterUpdate) -> Any:
    """How many steps the optimizer has made with the parameter; None where it does not count."""
    return moved.memory_after.get("step")
