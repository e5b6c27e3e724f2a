"""Faults of the optimization: a wrong learning rate, bad gradients, clipping, a plateau."""

from collections.abc import Iterator
from math import log
from statistics import median

from tuilab.core.catalogue.layers.activation import Sigmoid, Step, Tanh
from tuilab.core.diagnosis.confidence import make_diagnosis
from tuilab.core.diagnosis.evidence import (
    FAR_RATE,
    MIN_PROGRESS,
    Evidence,
    chart,
    early_median,
    late_median,
    mean_over_steps,
    second_half_median,
)
from tuilab.core.diagnosis.finding import Diagnosis
from tuilab.core.diagnosis.large_steps import (
    describe_large_updates,
    describe_rate_change,
    explain_large_steps,
    find_largest_updates,
    find_rate_at_fault,
    propose_smaller_steps,
    was_lowered,
)
from tuilab.core.format import format_count, format_number, format_percent

MAX_GAIN = 5.0
"""Initial weights this many times as large as those that keep the size of what goes through."""

SMALL_GAIN = 0.2
"""Initial weights so small that little of an input comes through several layers."""

MIN_SKILL = 0.3
"""A network that predicts this much better than a constant has learned something."""

SMALL_CHANGE = 0.1
"""A decrease of the loss, or a change of the weights, of less than this is small."""

MAX_GRADIENT = 50.0
"""A larger initial gradient norm of a layer, in units of the loss by chance, is too large."""


MAX_LOSS_GROWTH = 10.0
"""A loss that grows this many times before it becomes NaN has overflowed."""


def detect_nonfinite_loss(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects a loss that is NaN or infinite."""
    series = evidence.run.series.get("loss/train")
    if series is None or series.is_finite:
        return
    failure, has_grown = evidence.run.failure, _has_grown(evidence)
    precision = evidence.experiment.training.precision
    peak = format_number(evidence.get_maximum("loss/train"), 3)
    if has_grown:
        rate = format_number(find_rate_at_fault(evidence))
        before = f"Before that it had grown to {peak}; the learning rate was {rate}."
        fixes = propose_smaller_steps(evidence)
    else:
        before = f"Before that it was at most {peak}: nothing points to the learning rate."
        is_half = precision != "fp32"
        fixes = evidence.propose("fp32", "training.precision", "fp32") if is_half else []
    yield make_diagnosis(
        "loss_not_finite",
        "The loss is not finite any more",
        [
            f"The training loss became NaN or infinite by step {format_count(evidence.steps)}.",
            *([before] if evidence.train_loss else []),
            *([failure.detail + "."] if failure is not None and failure.detail else []),
        ],
        "From here on all weights become NaN as well, and nothing can be learned.",
        fixes,
        *chart(evidence.train_loss, "training loss"),
    )


def _has_grown(evidence: Evidence) -> bool:
    """Returns whether a loss that is not finite any more had grown before, or the weights had."""
    failure = evidence.run.failure
    if failure is not None and failure.has_grown is not None:
        return failure.has_grown
    losses = evidence.train_loss
    is_larger = bool(losses) and max(y for _, y in losses) > MAX_LOSS_GROWTH * abs(losses[0][1])
    return is_larger or max(find_largest_updates(evidence), default=0.0) > 1


def detect_high_rate(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects a loss that grows or jumps, with steps that are large compared to the weights."""
    if len(evidence.train_loss) < 8 or evidence.experiment.optimizer.lr == 0 or evidence.is_good:
        return
    has_large_weights = max(evidence.initial_gains.values(), default=0.0) > MAX_GAIN
    if (has_large_weights or evidence.task == "gan") and not evidence.is_fast:
        return  # the weights are too large for any rate; the losses of a GAN rise in sound runs
    first, now = evidence.first_loss, late_median(evidence.train_loss)
    lowest = min(y for _, y in evidence.train_loss)
    series = evidence.run.series["loss/train"]
    peak = evidence.get_maximum("loss/train", 1)
    has_diverged = now > 3 * first or (not series.is_finite and _has_grown(evidence))
    step = _median_update(evidence)
    largest = find_largest_updates(evidence)
    is_large = bool(largest) and median(largest) > 1
    jumps = peak > 4 * first and (now > 0.7 * first or is_large)
    jumps &= max(largest, default=1.0) > 0.3  # else a batch of outliers has a large loss
    oscillates = step > 0.05 and now > 0.7 * first and now > 1.05 * lowest
    is_lost = _has_lost_weights(evidence, now)
    if not (has_diverged or jumps or oscillates or is_lost):
        return
    rate = find_rate_at_fault(evidence)
    verb = "was" if was_lowered(evidence, rate) else "is"
    yield make_diagnosis(
        "learning_rate_too_high",
        f"The learning rate {verb} too high",
        [
            _describe_loss(evidence.train_loss[0][1], peak, now),
            *describe_large_updates(largest),
            *describe_rate_change(evidence, rate),
        ],
        explain_large_steps(evidence),
        propose_smaller_steps(evidence),
        *chart(evidence.train_loss, "training loss"),
    )


def _describe_loss(first: float, peak: float, now: float) -> str:
    """Returns a sentence on the training loss: at first, at most after that, and at the end."""
    course = (
        f"and rose to {format_number(peak, 3)}" if peak > first else "and never rose above that"
    )
    return (
        f"The training loss started at {format_number(first, 3)} {course}; the median of the last "
        f"steps is {format_number(now, 3)}."
    )


def detect_low_rate(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects weights that hardly change from the start to the end of the run."""
    curves = evidence.get_layer_curves("update", min_points=4)
    updates = [mean_over_steps(curve) for curve in curves.values()]
    is_early = evidence.progress < MIN_PROGRESS or not evidence.train_loss or evidence.is_short
    is_far = evidence.rate_ratio < 1 / FAR_RATE
    if not updates or is_early or evidence.is_good:
        return
    has_no_skill = evidence.skill is not None and evidence.skill < MIN_SKILL
    if evidence.loss_drop > (0.5 if is_far else 0.3) and not (is_far and has_no_skill):
        return
    total_change = _find_total_change(evidence)
    limit = 2.0 if is_far else 0.3 if evidence.rate_ratio < 0.3 else 0.03
    if total_change > limit or _is_vanishing(evidence):
        return
    gradients = evidence.get_layer_curves("gradient").values()
    if not max(updates) and not any(y > 0 for curve in gradients for _, y in curve):
        return  # then there is nothing that a rate could do
    yield make_diagnosis(
        "learning_rate_too_low",
        "The learning rate is too low",
        [
            f"A step changes the weights by {format_number(max(updates), 2)} of their norm; all "
            f"steps of the run by {format_percent(total_change, 1)} at most."
            if max(updates)
            else f"At the learning rate {format_number(evidence.experiment.optimizer.lr)} no step "
            "changes a weight, although there are gradients.",
            f"The training loss has decreased by {format_percent(max(evidence.loss_drop, 0), 1)}.",
        ],
        explain_small_steps(evidence),
        evidence.propose_rates(10, 100, 1000),
        *chart(evidence.train_loss, "training loss"),
    )


def explain_small_steps(evidence: Evidence) -> str:
    """Returns what small steps lead to, by how far the loss and the weights have come."""
    if evidence.loss_drop >= SMALL_CHANGE:
        return "At this rate the loss decreases too slowly for the number of steps of the run."
    if 0 < _find_total_change(evidence) < SMALL_CHANGE:
        return "At this rate the run ends close to its initial weights."
    return "At this rate the steps are too small to lower the loss."


def _find_total_change(evidence: Evidence) -> float:
    """Returns the relative change of a layer by all steps of the run at most; 0 if unknown."""
    curves = evidence.get_layer_curves("update", min_points=4)
    largest = max(map(mean_over_steps, curves.values()), default=0.0)
    return largest * evidence.steps / evidence.progress if evidence.progress else 0.0


def detect_exploding_gradients(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects initial weights or gradients that are too large for any usual learning rate.

    The gradients of the first measured step count, before any update, in units of the loss of a
    constant prediction: targets in large units make large gradients of a sound network.
    """
    if evidence.is_good or not evidence.train_loss:
        return
    curves = evidence.get_layer_curves("gradient")
    unit = max(evidence.chance_loss or 1.0, 1.0)
    first = {name: curve[0][1] for name, curve in curves.items() if curve}
    gains = evidence.initial_gains
    gain_name, gain = max(gains.items(), key=lambda item: item[1], default=("", 0.0))
    name, size = max(first.items(), key=lambda item: item[1], default=("", 0.0))
    is_large = gain > MAX_GAIN and len(evidence.trained_rows) > 1
    if size < MAX_GRADIENT * unit and not is_large:
        return
    sentences = [
        f"The gradient norm of layer {name} was {format_number(size, 3)} at the first step; "
        f"{format_number(0.01 * unit)} to {format_number(10 * unit)} is usual."
    ]
    if is_large:
        sentences.append(
            f"The initial weights of layer {gain_name} are {format_number(gain, 2)} times as large "
            "as those that keep the size of what goes through."
        )
    yield make_diagnosis(
        "exploding_gradients",
        f"The gradients explode, most of all in layer {name}",
        sentences,
        "Steps along such gradients move the weights far away.",
        evidence.propose_kaiming() + evidence.propose_clipping() + evidence.propose_rates(0.1),
        *chart(curves[name], f"gradient of {name}"),
    )


def detect_vanishing_gradients(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects first layers that get almost no gradient."""
    if not _is_vanishing(evidence) or evidence.is_good or evidence.is_short:
        return
    name, first, last = _gradient_ends(evidence)
    ratio = last / max(first, 1e-30)
    saturating = evidence.find_layers(Sigmoid, Tanh)
    yield make_diagnosis(
        "vanishing_gradients",
        f"The gradient vanishes on the way to layer {name}",
        [
            f"The gradient norm of layer {name} was {format_number(first, 2)} at first, that of "
            f"the last layer {format_number(last, 2)}, {format_number(ratio, 2)} times as large."
        ],
        "The first layers learn so slowly that the last ones only see random features.",
        evidence.propose_layer("ReLU instead of Sigmoid and Tanh", saturating, "ReLU")
        + evidence.propose_kaiming(),
        *chart(evidence.get_curve(f"gradient/{name}"), f"gradient of {name}"),
    )


def _gradient_ends(evidence: Evidence) -> tuple[str, float, float]:
    """Returns the layer with the smallest gradient at first, its norm, and the last layer's."""
    curves = evidence.get_layer_curves("gradient", min_points=4)
    norms = [(name, median(y for _, y in curve[:8])) for name, curve in curves.items()]
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
    if frozen or not names or evidence.task == "perceptron":  # learns without gradients
        return
    steps = evidence.find_layers(Step)
    yield make_diagnosis(
        "no_gradient",
        f"No gradient has ever reached layer {', '.join(names[:3])}",
        [f"Its gradient was exactly 0 at all {len(curves[names[0]])} measured steps."],
        "Without a gradient it does not learn and keeps its random initial weights.",
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
    yield make_diagnosis(
        "clipping_every_step",
        "Every gradient is clipped",
        [
            f"The gradient norm is {format_number(size, 3)} and the limit {format_number(limit)}: "
            f"exceeded at {format_percent(share)} of the measured steps."
        ],
        "The limit then sets the length of every step, whatever the slope and the learning rate.",
        evidence.propose(f"limit {format_number(new_limit)}", "training.clip_grad_norm", new_limit)
        + evidence.propose("no clipping", "training.clip_grad_norm", 0.0),
        *chart(norms, "gradient norm"),
    )


def detect_plateau(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects a loss that stays near its initial value because the gradients are small.

    A run that has learned in its first steps, and is flat since, is not on a plateau.
    """
    if evidence.progress < 0.5 or evidence.is_short or evidence.task == "perceptron":
        return
    if evidence.is_good or (evidence.skill is not None and evidence.skill >= MIN_SKILL):
        return
    if not evidence.is_flat or not -0.1 < evidence.loss_drop < 0.05:
        return
    gradients = [second_half_median(c) for c in evidence.get_layer_curves("gradient").values() if c]
    gains = evidence.initial_gains.values()
    is_small = bool(gains) and median(gains) < SMALL_GAIN
    if not gradients or (max(gradients) > 0.05 and not is_small):
        return
    first, now = early_median(evidence.train_loss), late_median(evidence.train_loss)
    yield make_diagnosis(
        "plateau",
        "The loss is on a plateau",
        [
            f"The training loss started at {format_number(first, 3)} and has hardly changed "
            f"recently; the median of the last steps is {format_number(now, 3)}.",
            f"The largest gradient norm of a layer is {format_number(max(gradients), 2)}.",
        ],
        "The loss is flat around the current weights, so the gradients give no direction.",
        evidence.propose_rates(10)
        + evidence.propose_kaiming()
        + evidence.propose("optimizer AdamW", "optimizer.name", "adamw"),
        *chart(evidence.train_loss, "training loss"),
    )


def _median_update(evidence: Evidence) -> float:
    """Returns the relative change of a layer in a step: the median over steps and layers."""
    curves = evidence.get_layer_curves("update", min_points=4).values()
    return median(median(y for _, y in curve) for curve in curves) if curves else 0.0


def _has_lost_weights(evidence: Evidence, now: float) -> bool:
    """Returns whether single steps were as large as the weights, without a recovery."""
    largest, skill = find_largest_updates(evidence), evidence.skill
    if not largest or skill is None or skill > 0.9:
        return False
    has_only_fallen = evidence.get_maximum("loss/train", 1) <= evidence.train_loss[0][1]
    if has_only_fallen and skill >= MIN_SKILL:
        return False  # small initial weights: one step to the minimum is larger than they are
    if median(largest) > 1:
        return True
    is_no_better = now > 0.95 * log(evidence.classes) if evidence.classes > 1 else skill < 0
    is_far_worse = evidence.classes > 1 and now > 3 * log(evidence.classes)
    return (median(largest) > 0.3 and is_no_better) or (max(largest) > 0.3 and is_far_worse)
