"""Faults of what keeps a network from learning by heart: too much of it."""

from collections.abc import Iterator
from math import sqrt
from statistics import median

from tuilab.core.catalogue.layers.dropout import Dropout
from tuilab.core.catalogue.optimizers import AdamW, Lion
from tuilab.core.diagnosis.evidence import Evidence, late, middle, points
from tuilab.core.diagnosis.finding import Diagnosis

DECOUPLED = (AdamW, Lion)
"""Optimizers whose weight decay acts on the weights directly, by lr · decay a step."""


FEW = 8
"""Numbers that dropout must leave of a layer for something to pass."""


def strong_dropout(seen: Evidence) -> Iterator[Diagnosis]:
    """So much is left out in training that it is far better without."""
    drops = [row for row in seen.layers(Dropout) if getattr(row.layer, "p", 0) >= 0.6]
    if not drops or len(seen.validation) < 4 or seen.done < 0.3:
        return
    train, held = late(seen.loss), late(seen.validation)
    p = max(getattr(row.layer, "p", 0.0) for row in drops)
    left = min((1 - getattr(row.layer, "p", 0.0)) * row.output[-1] for row in drops if row.output)
    is_starved = left < FEW and seen.told is not None and seen.told < 0.6
    is_stuck = p >= 0.7 and seen.gain < 0.3 and seen.is_settled
    if train < 1.15 * held and not (is_stuck or is_starved):
        return
    yield Diagnosis(
        "dropout_too_strong",
        "Dropout leaves out too much",
        [
            f"{drops[0].key} leaves out {p:.0%} in training: {left:.0f} numbers are left.",
            f"With it, in training, the loss is {train:.3g}; without, in validation, {held:.3g}.",
        ],
        "With so little left of a layer, nothing that needs several units can be learned.",
        0.93,
        seen.lines("Dropout 0.2", {row.path: "Dropout 0.2" for row in drops})
        + seen.lines("no Dropout", {row.path: None for row in drops}),
        points(seen.loss),
        "training loss",
    )


def strong_decay(seen: Evidence) -> Iterator[Diagnosis]:
    """Weight decay pulls the weights to zero faster than the loss builds them up."""
    key, strength = max(_pulls(seen).items(), key=lambda item: item[1])
    weights, gradients = seen.family("weight"), seen.family("gradient")
    if not strength or not weights or seen.done < 0.3 or seen.gain > 0.5:
        return
    name = min(weights, key=lambda name: late(weights[name]))
    length, lr = late(weights[name]), seen.experiment.optimizer.lr
    if isinstance(seen.experiment.optimizer, DECOUPLED) and key == "optimizer.weight_decay":
        memory = 1 / max(lr * strength, 1e-30)
        is_strong = memory < 20 or (memory < 50 and seen.is_settled)
        told = f"weights are forgotten within {memory:.0f} steps"
    else:
        shares = [strength * late(c) / max(late(gradients[n]), 1e-30) for n, c in weights.items()]
        is_strong = median(shares) > 0.5 and seen.gain < 0.3 and seen.is_settled
        told = f"its pull is {median(shares):.1f} times the gradient of a layer"
    if not is_strong:
        return
    yield Diagnosis(
        "weight_decay_too_strong",
        "The weights are pulled to zero",
        [
            f"{key} is {strength:g}: {told}; layer {name} is {length:.2g} long.",
            f"The training loss has come down by {max(seen.drop, 0):.0%} only.",
        ],
        "What the loss would build up is pulled down again at once.",
        0.93,
        seen.fix(f"{strength / 100:g} instead", key, strength / 100) + seen.fix("none", key, 0.0),
        points(weights[name]),
        f"length of {name}",
    )


def held_back(seen: Evidence) -> Iterator[Diagnosis]:
    """An l1 penalty or a limit on the weights leaves the loss no say in them."""
    knobs, told = seen.experiment.regularization, seen.told
    weights, learning = seen.family("weight"), [row for row in seen.rows if row.parameters]
    is_stuck = told is not None and told < 0.35 and seen.done >= 0.5 and seen.is_settled
    if told is None or not is_stuck or not weights or len(weights) != len(learning):
        return
    gradients = [middle(seen.curve(f"gradient/{name}")) for name in weights]
    pull = median(
        knobs.l1 * sqrt(row.parameters) / max(gradient, 1e-30)
        for row, gradient in zip(learning, gradients, strict=True)
    )
    lengths = [late(curve) for curve in weights.values()]
    reach = [knobs.max_norm * sqrt(row.output[-1]) for row in learning if row.output]
    is_full = all(a > 0.8 * b for a, b in zip(lengths, reach, strict=False))
    if knobs.l1 and pull > 0.8:
        key, strength, why = "regularization.l1", knobs.l1, f"{pull:.0%} of a layer's gradient"
        fixes = seen.fix(f"{strength / 100:g} instead", key, strength / 100)
    elif 0 < knobs.max_norm < 0.5 and is_full:
        key, strength, why = "regularization.max_norm", knobs.max_norm, "every layer is as long"
        fixes = seen.fix("3 instead", key, 3.0)
    else:
        return
    yield Diagnosis(
        "underfitting_by_regularization",
        "Regularisation keeps it from learning",
        [
            f"{key} is {strength:g}: {why}{' comes of it' if knobs.l1 else ' as it may be'}.",
            f"It tells {max(told, 0):.0%} of what could be told beyond the simplest guess.",
        ],
        "The network could follow the data, but its weights may not grow as long as that takes.",
        0.93,
        fixes + seen.fix("none", key, 0.0),
        points(next(iter(weights.values()))),
        f"length of {next(iter(weights))}",
    )


def _pulls(seen: Evidence) -> dict[str, float]:
    """What pulls weights to zero, by key; l1 pulls otherwise and is left out."""
    return {
        "optimizer.weight_decay": getattr(seen.experiment.optimizer, "weight_decay", 0.0) or 0.0,
        "regularization.l2": seen.experiment.regularization.l2,
    }
