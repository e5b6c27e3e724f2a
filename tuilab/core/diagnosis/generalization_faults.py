"""Faults of data and of what is learned from it: by heart, too little, or nothing at all."""

from collections.abc import Iterator
from math import log, sqrt
from statistics import median

from tuilab.core.diagnosis.evidence import Curve, Evidence, late, points
from tuilab.core.diagnosis.finding import Diagnosis, Fix


def overfitting(seen: Evidence) -> Iterator[Diagnosis]:
    """The validation loss has turned up while the training loss goes on falling."""
    held = smoothed(seen.validation)
    if len(held) < 10 or len(seen.loss) < 10:
        return
    at, best = min(held, key=lambda point: point[1])
    now, train = late(held), late(seen.loss)
    then = median(y for _, y in near(seen.loss, at))
    is_early = at < held[0][0] + 0.7 * (held[-1][0] - held[0][0])
    has_turned = is_early and now > 1.25 * best and now > 1.5 * train and train < 0.8 * then
    has_parted = is_early and now > 3 * train and train < 0.5 * then
    has_both = is_early and now > 1.12 * best and now > 2.2 * train and train < 0.6 * then
    if (
        not (has_turned or has_parted or has_both)
        or now < 0.25 * seen.loss[0][1]
        or _is_right(seen)
    ):
        return
    yield Diagnosis(
        "overfitting",
        "It learns the training examples by heart",
        [
            f"The validation loss was best at step {at:.0f}, {best:.3g}, and is {now:.3g} now.",
            f"The training loss went on from {then:.3g} to {train:.3g}.",
        ],
        "What it learns now holds for these examples only, and makes it worse on new ones.",
        0.95,
        _against_overfitting(seen),
        points(held),
        "validation loss",
    )


def _is_right(seen: Evidence) -> bool:
    """Whether new examples are told as well as ever: only the few wrong ones are told more surely.

    The loss of two examples that are wrong for sure outweighs that of a hundred right ones.
    """
    held, best = seen.accuracy("validation"), seen.best_accuracy
    return held is not None and best is not None and held >= max(0.95, best - 0.02)


def _against_overfitting(seen: Evidence) -> list[Fix]:
    samples = getattr(seen.experiment.data, "samples", 0)
    more = seen.fix("four times the examples", "data.samples", 4 * samples) if samples else []
    return [
        *seen.fix("stop early", "regularization.patience", 10),
        *more,
        *seen.fix("weight decay 0.1", "optimizer.weight_decay", 0.1),
    ]


def underfitting(seen: Evidence) -> Iterator[Diagnosis]:
    """It has learned all that it can, and that is little for so small a network."""
    told = seen.told
    if told is None or seen.done < 0.5 or not seen.is_settled:
        return
    is_small = seen.is_linear or 0 < seen.width <= 3
    most = 0.35 if seen.is_linear else 0.6
    if not is_small or told > most or _step_is_off(seen):
        return
    shape = "no hidden layer" if seen.is_linear else f"a layer of {seen.width} units"
    yield Diagnosis(
        "underfitting",
        "The network is too small for this",
        [
            f"It tells {told:.0%} of what could be told beyond the simplest guess, "
            "and no longer gets better.",
            f"It has {shape} and {seen.experiment.plan.parameters} weights.",
        ],
        "No choice of its weights can follow the data; longer training does not help.",
        0.85,
        _larger(seen),
        points(seen.loss),
        "training loss",
    )


def _larger(seen: Evidence) -> list[Fix]:
    learning = [row for row in seen.rows if row.parameters]
    small = {r.path: "Linear 32" for r in learning[:-1] if r.text.startswith("Linear ")}
    fixes = seen.lines("32 units in each hidden layer", dict(small)) if small else []
    hidden = ("Linear 32", "ReLU")
    return fixes or seen.fix(
        "a hidden layer of 32 units", "network", (*hidden, *seen.experiment.network)
    )


def _step_is_off(seen: Evidence) -> bool:
    """Whether the steps are so short that time is what is missing, or so long that it jumps."""
    moves = [median(y for _, y in c) for c in seen.family("update").values() if c]
    if not moves or not seen.done:
        return True
    return max(moves) * seen.steps / seen.done < 0.5 or seen.drop < -0.5


def imbalance(seen: Evidence) -> Iterator[Diagnosis]:
    """One class is so common that it is told always, and a rare one never."""
    worst, held = seen.curve("worst_class/validation"), seen.accuracy("validation")
    share = seen.majority
    if share is None or held is None or len(worst) < 4 or seen.classes < 2 or seen.done < 0.3:
        return
    if share < max(0.75, 1.5 / seen.classes) or late(worst) > 0.25 or held > share + 0.04:
        return
    yield Diagnosis(
        "class_imbalance",
        "It always tells the most common class",
        [
            f"{share:.0%} of the validation examples are of one class, and telling it always is "
            f"as good as the accuracy of {held:.0%}.",
            f"Of its worst class it finds {late(worst):.0%}.",
        ],
        "The loss hardly counts what is rare, so that to leave it out costs next to nothing.",
        0.92,
        seen.fix("rare classes count more", "loss.balanced", True)
        + seen.fix("classes as they come", "data.imbalance", 0.0),
        points(worst),
        "recall of the worst class",
    )


def shuffled(seen: Evidence) -> Iterator[Diagnosis]:
    """A network that could learn it does no better on new examples than chance."""
    best, share = seen.best_accuracy, seen.majority
    count = seen.run.started.examples.get("validation", 0) if seen.run.started else 0
    if best is None or share is None or count < 30 or seen.done < 0.5 or seen.width < 8:
        return
    train = seen.results.get("train", {}).get("accuracy") or seen.accuracy("train") or 0.0
    held = seen.accuracy("validation") or 0.0
    luck = sqrt(share * (1 - share) / count)
    if held > share + 2 * luck or _step_is_off(seen) or share > 0.75:
        return
    if train < held + 0.1 or late(seen.validation) < 1.03 * log(seen.classes):
        return
    yield Diagnosis(
        "labels_shuffled",
        "The labels look shuffled",
        [
            f"On new examples it is right in {held:.0%}; always telling the most common class "
            f"would be in {share:.0%}.",
            f"On its training examples it is right in {train:.0%}: it can learn, by heart.",
        ],
        "Where inputs say nothing of the labels, there is nothing to learn that holds elsewhere.",
        0.9,
        seen.fix("labels as they are", "data.label_noise", 0.0),
        points(seen.curve("accuracy/validation")),
        "validation accuracy",
    )


def raw_inputs(seen: Evidence) -> Iterator[Diagnosis]:
    """The inputs come as they are, far from mean 0 and spread 1."""
    if getattr(seen.experiment.data, "normalize", True):
        return
    mean, most = seen.curve("input/mean"), seen.curve("input/most")
    if not mean or not most:
        return
    far, wide = median(y for _, y in mean), median(y for _, y in most)
    if wide < 15 and far < 10 * max(wide, 0.1):
        return
    yield Diagnosis(
        "inputs_not_normalised",
        "The inputs are not normalised",
        [f"Features reach a spread of {wide:.3g} and a mean of {far:.3g}; 1 and 0 are usual."],
        "Large inputs make long gradients for some weights, and one learning rate fits no others.",
        0.96,
        seen.fix("mean 0 and spread 1", "data.normalize", True),
    )


def leak(seen: Evidence) -> Iterator[Diagnosis]:
    """Examples that it is validated on are among those that it is trained on."""
    started = seen.run.started
    share = started.repeated if started else 0.0
    if started is None or share < 0.1:
        return
    count = started.examples.get("validation", 0)
    yield Diagnosis(
        "validation_leaks",
        "The validation examples have been trained on",
        [
            f"{share:.0%} of the {count} validation examples are among the training examples as "
            "well, the same in every number.",
        ],
        "What is known by heart is told right: the validation says nothing of new examples. No "
        "knob cures that: take what stands there twice out of the data, then start again.",
        0.97,
        [],
        points(seen.validation),
        "validation loss",
    )


def near(curve: Curve, at: float) -> Curve:
    """The points of a curve nearest to a step."""
    return sorted(curve, key=lambda point: abs(point[0] - at))[:5]


def smoothed(curve: Curve) -> Curve:
    """Each value as the median of the five around it."""
    return [
        (x, median(y for _, y in curve[max(0, i - 2) : i + 3])) for i, (x, _) in enumerate(curve)
    ]
