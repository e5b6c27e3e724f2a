"""Faults of regularization: too much of it."""

from collections.abc import Iterator
from math import sqrt
from statistics import median

from tuilab.core.catalogue.layers.dropout import Dropout
from tuilab.core.catalogue.optimizers import AdamW, Lion
from tuilab.core.diagnosis.confidence import make_diagnosis
from tuilab.core.diagnosis.evidence import (
    FAR_RATE,
    Evidence,
    chart,
    count_units,
    late_median,
    second_half_median,
)
from tuilab.core.diagnosis.finding import Diagnosis
from tuilab.core.format import format_number, format_percent

DECOUPLED = (AdamW, Lion)
"""Optimizers with decoupled weight decay: weights shrink by lr · weight_decay in a step."""


MIN_ACTIVE_UNITS = 8
"""Units that dropout should leave active in a layer."""


def detect_strong_dropout(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects dropout that is so strong that the network is far better without it."""
    drops = [row for row in evidence.find_layers(Dropout) if getattr(row.layer, "p", 0) >= 0.6]
    if not drops or len(evidence.validation_loss) < 4 or evidence.progress < 0.3:
        return
    train, validation = late_median(evidence.train_loss), late_median(evidence.validation_loss)
    p = max(getattr(row.layer, "p", 0.0) for row in drops)
    active = min((1 - getattr(row.layer, "p", 0.0)) * row.output[-1] for row in drops if row.output)
    is_starved = active < MIN_ACTIVE_UNITS and evidence.skill is not None and evidence.skill < 0.6
    is_stuck = p >= 0.7 and evidence.learned_share < 0.3 and evidence.is_settled
    if train < 1.15 * validation and not (is_stuck or is_starved):
        return
    yield make_diagnosis(
        "dropout_too_strong",
        "Dropout is too strong",
        [
            f"{drops[0].key} drops {format_percent(p)} in training: {active:.0f} units remain.",
            f"The loss is {format_number(train, 3)} with dropout, in training, and "
            f"{format_number(validation, 3)} without, in validation.",
        ],
        "With so few active units, nothing that needs several units can be learned.",
        evidence.propose_layer("Dropout 0.2", drops, "Dropout 0.2")
        + evidence.propose_layer("no Dropout", drops, None),
        *chart(evidence.train_loss, "training loss"),
    )


def detect_strong_decay(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects weight decay that shrinks the weights faster than the loss increases them."""
    key, strength = max(_decay_knobs(evidence).items(), key=lambda item: item[1])
    weights, gradients = evidence.get_layer_curves("weight"), evidence.get_layer_curves("gradient")
    if not strength or not weights or evidence.progress < 0.3 or evidence.is_good:
        return
    name = min(
        weights, key=lambda name: late_median(weights[name]) / max(weights[name][0][1], 1e-30)
    )
    norm, lr = late_median(weights[name]), evidence.experiment.optimizer.lr
    if isinstance(evidence.experiment.optimizer, DECOUPLED) and key == "optimizer.weight_decay":
        # Such a decay is multiplied by the rate: where that is far too high, the rate is the cause.
        usual_lr = lr / evidence.rate_ratio if evidence.rate_ratio > 10 * FAR_RATE else lr
        memory = 1 / max(usual_lr * strength, 1e-30)
        shrinks = norm < 0.5 * weights[name][0][1] and memory < 0.3 * evidence.steps
        is_over = evidence.is_settled or evidence.task == "gan"  # whose losses settle at once
        is_strong = memory < 20 or (is_over and (memory < 50 or shrinks))
        effect = f"weights decay to a third within {format_number(memory, 2)} steps"
    else:
        ratio = median(
            strength * late_median(curve) / max(late_median(gradients[layer]), 1e-30)
            for layer, curve in weights.items()
        )
        is_strong = ratio > 0.4 and evidence.is_settled
        effect = f"it is {format_number(ratio, 2)} times the gradient of a layer"
    if not is_strong:
        return
    drop = max(evidence.loss_drop, 0.0)
    yield make_diagnosis(
        "weight_decay_too_strong",
        "Weight decay is too strong",
        [
            f"{key} is {format_number(strength)}: {effect}; the norm of layer {name} is "
            f"{format_number(norm, 2)}.",
            f"The training loss has only decreased by {format_percent(drop)}.",
        ],
        "The weights shrink faster than the loss can increase them.",
        evidence.propose(f"{format_number(strength / 100)} instead", key, strength / 100)
        + evidence.propose("none", key, 0.0),
        *chart(weights[name], f"norm of {name}"),
    )


def detect_strong_penalty(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects an l1 penalty or a max-norm limit that dominates the weights."""
    config, weights = evidence.experiment.regularization, evidence.get_layer_curves("weight")
    sizes = sorted(late_median(c) / max(c[0][1], 1e-30) for c in weights.values() if c)
    if evidence.is_good or evidence.progress < 0.5 or evidence.is_short or not sizes:
        return
    shrunk = sizes[len(sizes) // 3]  # norms and embeddings have no penalty
    ratio = _penalty_share(evidence)
    if config.l1 and max(ratio, 1 - shrunk) > 0.7:
        key, strength = "regularization.l1", config.l1
        effect = f"it makes up {format_percent(min(ratio, 1.0))} of the gradient"
        fixes = evidence.propose(f"{format_number(strength / 100)} instead", key, strength / 100)
    elif 0 < config.max_norm < 0.5 and evidence.is_settled and _is_limited(evidence):
        key, strength = "regularization.max_norm", config.max_norm
        effect = "most layers have reached it"
        fixes = evidence.propose("3 instead", key, 3.0)
    else:
        return
    effect += f"; a third of the layers have {format_percent(shrunk)} of their size or less"
    yield make_diagnosis(
        "underfitting_by_regularization",
        "Regularization is too strong",
        [
            f"{key} is {format_number(strength)}: {effect}.",
            f"The training loss is {format_number(late_median(evidence.train_loss), 3)}.",
        ],
        "The network could fit the data, but its weights cannot grow enough.",
        fixes + evidence.propose("none", key, 0.0),
        *chart(next(iter(weights.values())), f"norm of {next(iter(weights))}"),
    )


def _penalty_share(evidence: Evidence) -> float:
    """Returns the part of the gradient of a layer that the l1 penalty makes up; 0 if unknown."""
    weights, rows = evidence.get_layer_curves("weight"), evidence.trained_rows
    if len(weights) != len(rows):
        return 0.0
    gradients = [second_half_median(evidence.get_curve(f"gradient/{name}")) for name in weights]
    return median(
        evidence.experiment.regularization.l1 * sqrt(row.parameters) / max(gradient, 1e-30)
        for row, gradient in zip(rows, gradients, strict=True)
    )


def _is_limited(evidence: Evidence) -> bool:
    """Returns whether most layers have reached the max-norm limit, or were cut down to it."""
    weights, rows = evidence.get_layer_curves("weight"), evidence.trained_rows
    limit = evidence.experiment.regularization.max_norm
    if len(weights) == len(rows):
        norms = zip(map(late_median, weights.values()), rows, strict=True)
        reached = [norm > 0.8 * limit * sqrt(count_units(row)) for norm, row in norms]
        if sum(reached) >= 0.6 * len(reached):
            return True
    return median(late_median(c) / max(c[0][1], 1e-30) for c in weights.values()) < 0.6


def _decay_knobs(evidence: Evidence) -> dict[str, float]:
    """Returns the strength of L2 penalties by their key."""
    experiment = evidence.experiment
    return {
        "optimizer.weight_decay": getattr(experiment.optimizer, "weight_decay", 0.0) or 0.0,
        "regularization.l2": experiment.regularization.l2,
    }
