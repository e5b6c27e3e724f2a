"""Faults of the data and of generalization: overfitting, underfitting, bad labels or inputs."""

from collections.abc import Iterator
from math import log, sqrt
from statistics import median

from tuilab.core.diagnosis.evidence import Curve, Evidence, chart, late_median
from tuilab.core.diagnosis.finding import Diagnosis, Fix
from tuilab.core.format import format_count, format_counted, format_number, format_percent


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
    has_risen = now > 1.25 * best and now > 1.5 * train and train < 0.8 * train_then
    has_gap = now > 3 * train and train < 0.5 * train_then
    has_both = now > 1.12 * best and now > 2.2 * train and train < 0.6 * train_then
    is_high = now >= 0.25 * evidence.train_loss[0][1]
    is_overfitting = is_early and is_high and (has_risen or has_gap or has_both)
    if not is_overfitting or _has_high_accuracy(evidence):
        return
    yield Diagnosis(
        "overfitting",
        "The network overfits",
        [
            f"The validation loss was best at step {format_count(int(best_step))}, "
            f"{format_number(best, 3)}, and is {format_number(now, 3)} now.",
            f"Since then the training loss has decreased from {format_number(train_then, 3)} to "
            f"{format_number(train, 3)}.",
        ],
        "It memorizes the training data, which makes it worse on new examples.",
        0.95,
        _propose_against_overfitting(evidence),
        *chart(validation, "validation loss"),
    )


def _has_high_accuracy(evidence: Evidence) -> bool:
    """Returns whether the validation accuracy is still high.

    The loss then rises because of a few confident mistakes, which outweigh many correct examples.
    """
    accuracy, best = evidence.get_accuracy("validation"), evidence.best_accuracy
    return accuracy is not None and best is not None and accuracy >= max(0.95, best - 0.02)


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
    if skill is None or evidence.progress < 0.5 or not evidence.is_settled:
        return
    is_small = evidence.is_linear or 0 < evidence.min_width <= 3
    max_skill = 0.35 if evidence.is_linear else 0.6
    if not is_small or skill > max_skill or _has_bad_rate(evidence):
        return
    shape = "no hidden layer" if evidence.is_linear else f"a layer of {evidence.min_width} units"
    yield Diagnosis(
        "underfitting",
        "The network is too small",
        [
            f"The skill score on the training set is {format_percent(skill)} (0% for a constant "
            "prediction) and no longer improves.",
            f"It has {shape} and {format_counted(evidence.experiment.plan.parameters, 'weight')}.",
        ],
        "No weights of such a network fit the data; longer training does not help.",
        0.85,
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
    updates = [median(y for _, y in c) for c in evidence.get_layer_curves("update").values() if c]
    if not updates or not evidence.progress:
        return True
    return max(updates) * evidence.steps / evidence.progress < 0.5 or evidence.loss_drop < -0.5


def detect_imbalance(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects a network that always predicts the most common class."""
    worst = evidence.get_curve("worst_class/validation")
    accuracy, share = evidence.get_accuracy("validation"), evidence.majority_share
    classes = evidence.classes
    if accuracy is None or share is None or len(worst) < 4 or classes < 2:
        return
    if evidence.progress < 0.3:
        return
    recall = late_median(worst)
    if share < max(0.75, 1.5 / classes) or recall > 0.25 or accuracy > share + 0.04:
        return
    yield Diagnosis(
        "class_imbalance",
        "It always predicts the most common class",
        [
            f"{format_percent(share)} of the validation examples are of one class, and predicting "
            f"only that class is as good as the accuracy of {format_percent(accuracy)}.",
            f"The recall of the worst class is {format_percent(recall)}.",
        ],
        "A rare class has little weight in the loss, so ignoring it costs almost nothing.",
        0.92,
        evidence.propose("a loss balanced by class", "loss.balanced", True)
        + evidence.propose("classes without imbalance", "data.imbalance", 0.0),
        *chart(worst, "recall of the worst class"),
    )


def detect_shuffled_labels(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects labels that do not depend on the inputs."""
    best, share = evidence.best_accuracy, evidence.majority_share
    count = evidence.run.started.examples.get("validation", 0) if evidence.run.started else 0
    if best is None or share is None or count < 30 or evidence.progress < 0.5:
        return
    final = evidence.results.get("train", {}).get("accuracy")
    train = final or evidence.get_accuracy("train") or 0.0
    validation = evidence.get_accuracy("validation") or 0.0
    std = sqrt(share * (1 - share) / count)
    is_better_than_chance = validation > share + 2 * std
    if is_better_than_chance or share > 0.75 or evidence.min_width < 8 or _has_bad_rate(evidence):
        return
    chance_loss = log(evidence.classes)
    if train < validation + 0.1 or late_median(evidence.validation_loss) < 1.03 * chance_loss:
        return
    yield Diagnosis(
        "labels_shuffled",
        "The labels look shuffled",
        [
            f"The validation accuracy is {format_percent(validation)}; always predicting the most "
            f"common class would give {format_percent(share)}.",
            f"The training accuracy is {format_percent(train)}: the network can memorize examples.",
        ],
        "If the inputs contain no information about the labels, nothing can be generalized.",
        0.9,
        evidence.propose("labels without noise", "data.label_noise", 0.0),
        *chart(evidence.get_curve("accuracy/validation"), "validation accuracy"),
    )


def detect_raw_inputs(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects inputs that are far from mean 0 and standard deviation 1."""
    if getattr(evidence.experiment.data, "normalize", True):
        return
    means, stds = evidence.get_curve("input/max_abs_mean"), evidence.get_curve("input/max_std")
    if not means or not stds:
        return
    mean, std = median(y for _, y in means), median(y for _, y in stds)
    if std < 15 and mean < 10 * max(std, 0.1):
        return
    yield Diagnosis(
        "inputs_not_normalized",
        "The inputs are not normalized",
        [
            f"Features have standard deviations up to {format_number(std, 3)} and means up to "
            f"{format_number(mean, 3)}; 1 and 0 are usual."
        ],
        "Large inputs cause large gradients of some weights; no learning rate fits all of them.",
        0.96,
        evidence.propose("normalized inputs", "data.normalize", True),
    )


def detect_leakage(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects validation examples that are in the training set as well."""
    started = evidence.run.started
    share = started.leakage if started else 0.0
    if started is None or share < 0.1:
        return
    count = format_count(started.examples.get("validation", 0))
    yield Diagnosis(
        "validation_leaks",
        "Validation examples are in the training set",
        [
            f"{format_percent(share)} of the {count} validation examples are among the training "
            "examples as well, identical in every number.",
        ],
        "A memorized example is predicted correctly, so the validation says nothing about new "
        "examples. No hyperparameter fixes that: remove duplicates from the data, then restart.",
        0.97,
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
