"""Faults of the optimization: a wrong learning rate, bad gradients, clipping, a plateau."""

from collections.abc import Iterator
from math import log
from statistics import median

from tuilab.core.catalogue.layers.activation import Sigmoid, Step, Tanh
from tuilab.core.diagnosis.evidence import (
    FAR_RATE,
    Evidence,
    chart,
    early_median,
    late_median,
    second_half_median,
)
from tuilab.core.diagnosis.finding import Diagnosis
from tuilab.core.format import format_count, format_number, format_percent


def detect_nonfinite_loss(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects a loss that is NaN or infinite."""
    series = evidence.run.series.get("loss/train")
    if series is None or series.is_finite:
        return
    lr, failure = evidence.experiment.optimizer.lr, evidence.run.failure
    yield Diagnosis(
        "loss_not_finite",
        "The loss is not finite any more",
        [
            f"The training loss became NaN or infinite by step {format_count(evidence.steps)}; the "
            f"learning rate was {format_number(lr)}.",
            *([failure.detail + "."] if failure is not None and failure.detail else []),
        ],
        "From here on all weights become NaN as well, and nothing can be learned.",
        0.99,
        evidence.propose_rates(0.1, 0.01) + evidence.propose_clipping(),
        *chart(evidence.train_loss, "training loss"),
    )


def detect_high_rate(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects a loss that grows or jumps, with steps that are large compared to the weights."""
    if len(evidence.train_loss) < 8 or evidence.experiment.optimizer.lr == 0:
        return
    first, now = early_median(evidence.train_loss), late_median(evidence.train_loss)
    lowest = min(y for _, y in evidence.train_loss)
    series = evidence.run.series["loss/train"]
    peak = evidence.get_maximum("loss/train", 1)
    has_diverged = not series.is_finite or now > 3 * max(first, 1e-9)
    step = _median_update(evidence)
    jumps = peak > 4 * first and now > 0.7 * first
    oscillates = step > 0.05 and now > 0.7 * first and now > 1.05 * lowest
    is_lost = _has_lost_weights(evidence, now)
    if not (has_diverged or jumps or oscillates or is_lost):
        return
    largest = max(_largest_updates(evidence), default=0.0)
    yield Diagnosis(
        "learning_rate_too_high",
        "The learning rate is too high",
        [
            f"The training loss started at {format_number(evidence.train_loss[0][1], 3)}, rose to "
            f"{format_number(peak, 3)} and is {format_number(now, 3)} now.",
            f"A step changes the weights by {format_percent(step, 1)} of their norm, at most by "
            f"{format_percent(largest)}; 0.1% to 3% is usual.",
        ],
        "Each step overshoots the minimum.",
        0.97 if has_diverged or is_lost else 0.9,
        evidence.propose_rates(0.1, 0.01) + evidence.propose_clipping(),
        *chart(evidence.train_loss, "training loss"),
    )


def detect_low_rate(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects weights that hardly change until the end of the run."""
    curves = evidence.get_layer_curves("update", min_points=4)
    updates = [second_half_median(curve) for curve in curves.values()]
    is_early = evidence.progress < 0.3 or not evidence.train_loss
    is_far = evidence.rate_ratio < 1 / FAR_RATE and (evidence.skill or 0.0) < 0.5
    if not updates or is_early or evidence.loss_drop > (0.5 if is_far else 0.3):
        return
    total_steps = evidence.steps / evidence.progress
    total_change = max(updates) * total_steps
    limit = 2.0 if is_far else 0.3
    if total_change > limit or max(updates) == 0 or _is_vanishing(evidence):
        return
    yield Diagnosis(
        "learning_rate_too_low",
        "The learning rate is too low",
        [
            f"A step changes the weights by {format_number(max(updates), 2)} of their norm; all "
            f"steps of the run by {format_percent(total_change, 1)} at most.",
            f"The training loss has decreased by {format_percent(max(evidence.loss_drop, 0), 1)}.",
        ],
        "At this rate the run ends close to its initial weights.",
        0.9,
        evidence.propose_rates(10, 100, 1000),
        *chart(evidence.train_loss, "training loss"),
    )


def detect_exploding_gradients(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects gradients that are too large for any usual learning rate."""
    curves = evidence.get_layer_curves("gradient")
    initial = {name: max(y for _, y in c[:3]) for name, c in curves.items() if c}
    if not initial:
        return
    name, size = max(initial.items(), key=lambda item: item[1])
    if size < 50:
        return
    yield Diagnosis(
        "exploding_gradients",
        f"The gradients explode, most of all in layer {name}",
        [
            f"The gradient norm of layer {name} was {format_number(size, 3)} at first; "
            "0.01 to 10 is usual."
        ],
        "Steps along such gradients move the weights far away.",
        0.95,
        evidence.propose_kaiming() + evidence.propose_clipping() + evidence.propose_rates(0.1),
        *chart(curves[name], f"gradient of {name}"),
    )


def detect_vanishing_gradients(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects first layers that get almost no gradient."""
    if not _is_vanishing(evidence) or evidence.learned_share > 0.3:
        return
    name, first, last = _gradient_ends(evidence)
    ratio = last / max(first, 1e-30)
    saturating = evidence.find_layers(Sigmoid, Tanh)
    yield Diagnosis(
        "vanishing_gradients",
        f"The gradient vanishes on the way to layer {name}",
        [
            f"The gradient norm of layer {name} is {format_number(first, 2)}, that of the last "
            f"layer {format_number(last, 2)}, {format_number(ratio, 2)} times as large."
        ],
        "The first layers learn so slowly that the last ones only see random features.",
        0.9,
        evidence.propose_layer("ReLU instead of Sigmoid and Tanh", saturating, "ReLU")
        + evidence.propose_kaiming(),
        *chart(evidence.get_curve(f"gradient/{name}"), f"gradient of {name}"),
    )


def _gradient_ends(evidence: Evidence) -> tuple[str, float, float]:
    """Returns the first-half layer with the smallest gradient, its norm, and the last layer's."""
    curves = evidence.get_layer_curves("gradient", min_points=4)
    norms = [(name, second_half_median(curve)) for name, curve in curves.items()]
    name, smallest = min(norms[: len(norms) // 2], key=lambda item: item[1])
    return name, smallest, norms[-1][1]


def _is_vanishing(evidence: Evidence) -> bool:
    curves = evidence.get_layer_curves("gradient", min_points=4).values()
    if len(curves) < 4:
        return False
    _, first, last = _gradient_ends(evidence)
    return 0 < first < 2e-3 * last


def detect_missing_gradient(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects layers that have never had a gradient."""
    frozen = [row for row in evidence.layer_rows if row.layer is not None and row.layer.frozen]
    curves = evidence.get_layer_curves("gradient", min_points=4)
    names = [name for name, c in curves.items() if all(y == 0 for _, y in c)]
    if frozen or not names:
        return
    steps = evidence.find_layers(Step)
    yield Diagnosis(
        "no_gradient",
        f"No gradient has ever reached layer {', '.join(names[:3])}",
        [f"Its gradient was exactly 0 at all {len(curves[names[0]])} measured steps."],
        "Without a gradient it does not learn and keeps its random initial weights.",
        0.97,
        evidence.propose_layer("ReLU instead of Step", steps, "ReLU") + evidence.propose_kaiming(),
        *chart(curves[names[0]], f"gradient of {names[0]}"),
    )


def detect_constant_clipping(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects gradient clipping at every step."""
    limit = evidence.experiment.training.clip_grad_norm
    curves = evidence.get_layer_curves("gradient", min_points=6).values()
    if not limit or not curves or len({len(c) for c in curves}) > 1:
        return
    norms = [(row[0][0], sum(y * y for _, y in row) ** 0.5) for row in zip(*curves, strict=True)]
    tail = [y for _, y in norms[len(norms) // 3 :]]
    share = sum(y > 2 * limit for y in tail) / len(tail)
    if share < 0.9:
        return
    size = median(tail)
    new_limit = float(f"{4 * size:.2g}")
    yield Diagnosis(
        "clipping_every_step",
        "Every gradient is clipped",
        [
            f"The gradient norm is {format_number(size, 3)} and the limit {format_number(limit)}: "
            f"exceeded at {format_percent(share)} of the measured steps."
        ],
        "The limit then sets the length of every step, whatever the slope and the learning rate.",
        0.85,
        evidence.propose(f"limit {format_number(new_limit)}", "training.clip_grad_norm", new_limit)
        + evidence.propose("no clipping", "training.clip_grad_norm", 0.0),
        *chart(norms, "gradient norm"),
    )


def detect_plateau(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects a loss that stays near its initial value because the gradients are small."""
    if evidence.progress < 0.5 or not evidence.is_flat or not -0.1 < evidence.loss_drop < 0.05:
        return
    gradients = [second_half_median(c) for c in evidence.get_layer_curves("gradient").values() if c]
    if not gradients or max(gradients) > 0.05:
        return
    first, now = early_median(evidence.train_loss), late_median(evidence.train_loss)
    yield Diagnosis(
        "plateau",
        "The loss is on a plateau",
        [
            f"The training loss started at {format_number(first, 3)}, is {format_number(now, 3)} "
            "now and has hardly changed recently.",
            f"The largest gradient norm of a layer is {format_number(max(gradients), 2)}.",
        ],
        "The loss is flat around the current weights, so the gradients give no direction.",
        0.8,
        evidence.propose_rates(10)
        + evidence.propose_kaiming()
        + evidence.propose("optimizer AdamW", "optimizer.name", "adamw"),
        *chart(evidence.train_loss, "training loss"),
    )


def _median_update(evidence: Evidence) -> float:
    """Returns the relative change of a layer in a step: the median over steps and layers."""
    curves = evidence.get_layer_curves("update", min_points=4).values()
    return median(median(y for _, y in curve) for curve in curves) if curves else 0.0


def _largest_updates(evidence: Evidence) -> list[float]:
    """Returns the largest relative change of each layer in a measured step."""
    names = evidence.get_layer_curves("update", min_points=4)
    return [evidence.get_maximum(f"update/{name}") for name in names]


def _has_lost_weights(evidence: Evidence, now: float) -> bool:
    """Returns whether single steps were as large as the weights, without a recovery."""
    largest, skill = _largest_updates(evidence), evidence.skill
    if not largest or skill is None or skill > 0.9:
        return False
    if median(largest) > 1:
        return True
    is_no_better = now > 0.95 * log(evidence.classes) if evidence.classes > 1 else skill < 0
    is_far_worse = evidence.classes > 1 and now > 3 * log(evidence.classes)
    return (median(largest) > 0.3 and is_no_better) or (max(largest) > 0.3 and is_far_worse)
