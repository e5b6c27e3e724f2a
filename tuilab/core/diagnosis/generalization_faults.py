"""Faults of the data and of generalization: overfitting, underfitting, bad labels or inputs."""

from collections.abc import Iterator
from statistics import median

from tuilab.core.diagnosis.confidence import make_diagnosis
from tuilab.core.diagnosis.evidence import (
    GOOD_SKILL,
    MIN_PROGRESS,
    Curve,
    Evidence,
    chart,
    late_median,
    mean_over_steps,
)
from tuilab.core.diagnosis.finding import Diagnosis, Fix
from tuilab.core.format import format_count, format_counted, format_number, format_percent

MAX_AGREEMENT, MAX_CLEAN_AGREEMENT = 0.17, 0.25
"""Agreement of the labels of similar inputs up to which they look shuffled.

More is allowed where validation examples are predicted better than the training ones.
"""

UNSURE_AGREEMENT = 0.45
"""Up to this, few examples and wrong labels cannot be distinguished."""

MAX_INPUT = 8.0
"""Standard deviation of a feature that is far from 1."""

FEW_EXAMPLES = 20
"""Training examples of a class that a network memorizes easily."""

LARGE_TARGETS = 20.0
"""Targets of this size are far from the outputs that a network starts with."""


def detect_overfitting(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects a validation loss that rises while the training loss falls."""
    validation = smooth(evidence.validation_loss)
    if len(validation) < 10 or len(evidence.train_loss) < 10:
        return
    best_step, best = min(validation, key=lambda point: point[1])
    now, train = late_median(validation), late_median(evidence.train_loss)
    # The training loss at the step of the best validation loss.
    train_then = median(y for _, y in nearest_points(evidence.train_loss, best_step))
    first_step, last_step = validation[0][0], validation[-1][0]
    is_early = best_step < first_step + 0.7 * (last_step - first_step)
    has_risen = now > 1.3 * best and now > 1.5 * train and train < 0.8 * train_then
    has_gap = now > 3 * train and train < 0.5 * train_then
    has_both = now > 1.12 * best and now > 2.2 * train and train < 0.6 * train_then
    is_high = now >= 0.25 * evidence.train_loss[0][1]
    is_far_above = now > 1.6 * best and now > 2.5 * train
    is_overfitting = is_early and is_high and (has_risen or has_gap or has_both or is_far_above)
    if evidence.experiment.data.is_graph:  # with few labels, a gap is usual
        is_overfitting = is_early and is_high and now > 1.5 * best
    is_overfitting |= _has_skill_gap(evidence)
    if not is_overfitting or _has_high_accuracy(evidence):
        return
    agreement = evidence.label_agreement
    is_unsure = agreement is not None and agreement < UNSURE_AGREEMENT
    doubt = (
        " Similar inputs often have different labels here: if many are wrong, it looks the same."
        if is_unsure
        else ""
    )
    yield make_diagnosis(
        "overfitting",
        "The network overfits",
        [
            f"The validation loss was best at step {format_count(int(best_step))}, "
            f"{format_number(best, 3)}; the median of its last values is {format_number(now, 3)}.",
            f"Since then the training loss has decreased from {format_number(train_then, 3)} to "
            f"{format_number(train, 3)}.",
        ],
        "It memorizes the training data, which makes it worse on new examples." + doubt,
        _propose_against_overfitting(evidence),
        *chart(validation, "validation loss"),
    )


def _has_high_accuracy(evidence: Evidence) -> bool:
    """Returns whether the validation accuracy is still high.

    The loss then rises because of a few confident mistakes, which outweigh many correct examples.
    """
    accuracy, best = evidence.get_accuracy("validation"), evidence.best_accuracy
    skill = evidence.validation_skill or 0.0
    if accuracy is None or best is None or accuracy < best - 0.02:
        return False
    return accuracy >= 0.95 or skill >= GOOD_SKILL


def _has_skill_gap(evidence: Evidence) -> bool:
    """Returns whether a network that fits the training set predicts little of the other."""
    train, validation = evidence.skill, evidence.validation_skill
    if train is None or validation is None or evidence.experiment.data.is_graph:
        return False
    if evidence.is_short:
        return False
    started, classes = evidence.run.started, max(1, evidence.classes)
    count = started.examples.get("train", 0) if started else 0
    has_memorized_few = train > 0.98 and validation < GOOD_SKILL and count < FEW_EXAMPLES * classes
    return has_memorized_few or (train > 0.6 and train - validation > 0.35)


def _propose_against_overfitting(evidence: Evidence) -> list[Fix]:
    count = 4 * getattr(evidence.experiment.data, "samples", 0)
    return [
        *evidence.propose("early stopping", "regularization.patience", 10),
        *(evidence.propose("four times the examples", "data.samples", count) if count else []),
        *evidence.propose("weight decay 0.1", "optimizer.weight_decay", 0.1),
    ]


def detect_underfitting(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects a network that is too small for the data."""
    skill = evidence.skill
    if skill is None or evidence.progress < 0.5 or evidence.is_short:
        return
    is_small = evidence.is_linear or 0 < evidence.min_width <= 3
    max_skill = 0.35 if evidence.is_linear else 0.6
    gap = (evidence.neighbor_skill or 0.0) - skill
    is_poor = skill <= max_skill or gap > 0.1
    if not is_small or not is_poor or _has_bad_rate(evidence):
        return
    if not evidence.is_settled and (gap < 0.2 or evidence.is_good):
        return
    shape = "no hidden layer" if evidence.is_linear else f"a layer of {evidence.min_width} units"
    yield make_diagnosis(
        "underfitting",
        "The network is too small",
        [
            f"The skill score on the training set is {format_percent(skill)} (0% for a constant "
            "prediction) and no longer improves.",
            f"It has {shape} and {format_counted(evidence.experiment.plan.parameters, 'weight')}.",
        ],
        "No weights of such a network fit the data; longer training does not help.",
        _propose_larger_network(evidence),
        *chart(evidence.train_loss, "training loss"),
    )


def _propose_larger_network(evidence: Evidence) -> list[Fix]:
    trained = [row for row in evidence.layer_rows if row.parameters]
    small = [row for row in trained[:-1] if row.text.startswith("Linear ")]
    fixes = evidence.propose_layer("32 units in each hidden layer", small, "Linear 32")
    hidden = ("Linear 32", "ReLU")
    return fixes or evidence.propose(
        "a hidden layer of 32 units", "network", (*hidden, *evidence.experiment.network)
    )


def _has_bad_rate(evidence: Evidence) -> bool:
    """Returns whether the steps are too small to reach a minimum, or so large that they miss it."""
    updates = [mean_over_steps(c) for c in evidence.get_layer_curves("update").values() if c]
    if not updates or not evidence.progress:
        return True
    return max(updates) * evidence.steps / evidence.progress < 0.2 or evidence.loss_drop < -0.5


def detect_imbalance(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects a network that always predicts the most common class."""
    worst = evidence.get_curve("worst_class/validation")
    accuracy, share = evidence.get_accuracy("validation"), evidence.majority_share
    classes = evidence.classes
    if accuracy is None or share is None or len(worst) < 4 or classes < 2:
        return
    if evidence.progress < MIN_PROGRESS:
        return
    recall = late_median(worst)
    if share < max(0.75, 1.5 / classes) or recall > 0.25 or accuracy > share + 0.04:
        return
    yield make_diagnosis(
        "class_imbalance",
        "It always predicts the most common class",
        [
            f"{format_percent(share)} of the validation examples are of one class, and predicting "
            f"only that class is as good as the accuracy of {format_percent(accuracy)}.",
            f"The recall of the worst class is {format_percent(recall)}.",
        ],
        "A rare class has little weight in the loss, so ignoring it costs almost nothing.",
        evidence.propose("a loss balanced by class", "loss.balanced", True)
        + evidence.propose("classes without imbalance", "data.imbalance", 0.0),
        *chart(worst, "recall of the worst class"),
    )


def detect_shuffled_labels(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects labels that hardly depend on the inputs, which a network can only memorize."""
    agreement, skill = evidence.label_agreement, evidence.validation_skill
    train = evidence.skill
    if agreement is None or skill is None or train is None or evidence.is_short:
        return
    is_clean_elsewhere = skill > train + 0.15  # only the training labels are wrong
    limit = MAX_CLEAN_AGREEMENT if is_clean_elsewhere else MAX_AGREEMENT
    if agreement > limit or min(skill, train) >= GOOD_SKILL:
        return
    is_sequence = len(evidence.experiment.input_shape) == 2  # alike in every bit but one
    if is_sequence and abs(train - max(skill, 0)) < 0.15:  # better on clean labels, or memorized
        return
    targets = evidence.run.started.targets if evidence.run.started else None
    assert targets is not None
    yield make_diagnosis(
        "labels_shuffled",
        "The labels look shuffled",
        [
            f"Of {format_count(targets.count)} training examples, "
            f"{format_percent(targets.agreement)} have the same class as the one with the most "
            f"similar inputs; {format_percent(targets.chance)} would by chance.",
            f"The skill score is {format_percent(max(train, 0))} on the training set and "
            f"{format_percent(max(skill, 0))} on the validation set (0% for a constant "
            "prediction).",
        ],
        "If the inputs say little about the labels, they can only be memorized one by one.",
        evidence.propose("labels without noise", "data.label_noise", 0.0),
        *chart(evidence.get_curve("accuracy/validation"), "validation accuracy"),
    )


def detect_raw_targets(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects targets of a regression in large units, with a network that does not reach them."""
    targets = evidence.run.started.targets if evidence.run.started else None
    if evidence.task != "regression" or targets is None or evidence.is_good:
        return
    if evidence.is_short and not evidence.has_overflowed:
        return
    size = max(targets.std, abs(targets.mean))
    if size < LARGE_TARGETS:
        return
    yield make_diagnosis(
        "targets_not_normalized",
        "The targets are not normalized",
        [
            f"They have mean {format_number(targets.mean, 3)} and standard deviation "
            f"{format_number(targets.std, 3)}; 0 and 1 are usual.",
            f"The training loss is {format_number(late_median(evidence.train_loss), 3)}.",
        ],
        "A network starts with outputs near 0: it gets huge gradients and has far to go.",
        evidence.propose("normalized targets", "data.normalize_target", True)
        + evidence.propose("Huber loss, whose slope is bounded", "loss.name", "huber"),
        *chart(evidence.train_loss, "training loss"),
    )


def detect_raw_inputs(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects inputs that are far from mean 0 and standard deviation 1."""
    if getattr(evidence.experiment.data, "normalize", True):
        return
    means, stds = evidence.get_curve("input/max_abs_mean"), evidence.get_curve("input/max_std")
    if not means or not stds:
        return
    mean, std = median(y for _, y in means), median(y for _, y in stds)
    if evidence.is_good or (std < MAX_INPUT and mean < 10 * max(std, 0.1)):
        return
    yield make_diagnosis(
        "inputs_not_normalized",
        "The inputs are not normalized",
        [
            f"Features have standard deviations up to {format_number(std, 3)} and means up to "
            f"{format_number(mean, 3)}; 1 and 0 are usual."
        ],
        "Large inputs cause large gradients of some weights; no learning rate fits all of them.",
        evidence.propose("normalized inputs", "data.normalize", True),
    )


def detect_leakage(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects validation examples that are in the training set as well."""
    started = evidence.run.started
    share = started.leakage if started else 0.0
    if started is None or share < 0.1:
        return
    count = format_count(started.examples.get("validation", 0))
    yield make_diagnosis(
        "validation_leaks",
        "Validation examples are in the training set",
        [
            f"{format_percent(share)} of the {count} validation examples are among the training "
            "examples as well, identical in every number.",
        ],
        "A memorized example is predicted correctly, so the validation says nothing about new "
        "examples. No hyperparameter fixes that: remove duplicates from the data, then restart.",
        [],
        *chart(evidence.validation_loss, "validation loss"),
    )


def nearest_points(curve: Curve, step: float) -> Curve:
    """Returns the five points of a curve that are nearest to a step."""
    return sorted(curve, key=lambda point: abs(point[0] - step))[:5]


def smooth(curve: Curve) -> Curve:
    """Returns the moving median over five points."""
    return [
        (x, median(y for _, y in curve[max(0, i - 2) : i + 3])) for i, (x, _) in enumerate(curve)
    ]
