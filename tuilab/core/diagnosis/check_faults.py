"""Faults that checks on copies of a run have shown: its rate, its network, its labels."""

from collections.abc import Callable, Iterable, Iterator
from math import isfinite

from msgspec.structs import replace

from tuilab.core.diagnosis.evidence import MIN_PROGRESS, Evidence, chart
from tuilab.core.diagnosis.finding import Diagnosis, Fix
from tuilab.core.diagnosis.large_steps import explain_large_steps, propose_smaller_steps
from tuilab.core.diagnosis.learning_faults import explain_small_steps
from tuilab.core.format import format_count, format_number, format_percent
from tuilab.core.protocol.records import Baseline, RateTrial

NOT_LEARNED = 0.7
"""A training loss above this part of that of a constant prediction: little has been learned."""

NO_BETTER = 0.97
"""A loss above this part of that of a constant prediction is no better."""

MIN_STEPS = 100
"""Steps in which any network should have memorized a few examples."""

MEMORIZED, NOT_MEMORIZED = 0.5, 0.96
"""Excess of the loss, as a part of that of a constant prediction, of examples that are memorized
for the most part, and of some that are not at all."""

HIDDEN_BY_A_BUG = {"plateau", "learning_rate_too_low", "no_better_than_constant"}
"""What is to be expected where the network cannot memorize a batch."""

UNEXPLAINED = {"cannot_memorize_a_batch", "no_better_than_constant"}
"""What says that something is wrong, but not what: only reported where no other rule knows."""

SAME_SPEED = 0.93
"""Labels whose mean loss is above this part of that of permuted ones are fitted no faster."""


def detect_high_rate_by_check(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects a rate at which the loss does not fall, while it does at a tenth of it."""
    if not _has_learned_little(evidence):
        return
    for own, tenth, _ in _trials(evidence):
        if tenth.drop < 0.1 or own.drop > 0.3 * tenth.drop:
            continue
        yield Diagnosis(
            "learning_rate_too_high",
            "The learning rate is too high",
            [
                f"Checked: within {own.steps} steps {_describe_start(own)}, the training loss went "
                f"from {format_number(own.before, 3)} to {format_number(own.after, 3)} at the "
                f"run's learning rate, and to {format_number(tenth.after, 3)} at a tenth of it."
            ],
            explain_large_steps(evidence),
            0.92,
            propose_smaller_steps(evidence),
            *chart(evidence.train_loss, "training loss"),
        )
        return


def detect_low_rate_by_check(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects a rate at which the loss hardly falls, while it does at ten times it."""
    if evidence.progress < MIN_PROGRESS or not _has_learned_little(evidence):
        return
    trials = [trial for trial in _trials(evidence) if trial[0].start == "current"]
    for own, _, ten in trials:
        if ten.drop < 0.1 or own.drop > 0.2 * ten.drop or own.drop < 0:
            continue
        yield Diagnosis(
            "learning_rate_too_low",
            "The learning rate is too low",
            [
                f"Checked: within {own.steps} steps {_describe_start(own)}, the training loss "
                f"decreases by {format_percent(own.drop, 1)} at the run's learning rate, and by "
                f"{format_percent(ten.drop)} at ten times it."
            ],
            explain_small_steps(evidence),
            0.9,
            evidence.propose_rates(10, 100),
            *chart(evidence.train_loss, "training loss"),
        )


def detect_failed_memorization(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects a network that cannot fit even a few examples."""
    checks = evidence.run.checks
    result = checks.memorization if checks is not None else None
    if result is None or result.steps < MIN_STEPS or not _is_no_better(evidence):
        return
    if result.excess < NOT_MEMORIZED:
        return
    count = format_count(result.examples)
    yield Diagnosis(
        "cannot_memorize_a_batch",
        "The network cannot memorize one batch",
        [
            f"Checked: new weights were trained for {format_count(result.steps)} steps on the same "
            f"{count} examples, without dropout and regularization. Their loss went from "
            f"{format_number(result.first, 3)} to {format_number(result.best, 3)}; the same output "
            f"for all of them has {format_number(result.constant, 3)}."
        ],
        f"A network that works fits {count} examples in any case. Look for an error in the "
        "network or the loss: a layer that passes no gradient or no input on, or outputs that do "
        "not fit the loss.",
        0.88,
        evidence.propose_kaiming() + _propose_usual_loss(evidence),
        *chart(evidence.train_loss, "training loss"),
    )


def detect_meaningless_labels(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects labels that are fitted no faster than the same labels in random order."""
    checks = evidence.run.checks
    result = checks.permutation if checks is not None else None
    validation = _find_baseline(evidence, "validation")
    if result is None or (validation is not None and not _loses(validation)):
        return
    span = result.constant - result.floor
    ends = max(result.true_last, result.permuted_last) - result.floor
    is_fitted = ends <= MEMORIZED * span or not _has_learned_little(evidence)
    is_faster = result.true - result.floor < SAME_SPEED * (result.permuted - result.floor)
    if span <= 0 or not is_fitted or is_faster:
        return
    against = "."
    if validation is not None:
        against = (
            f"; on the validation set the loss is {format_number(validation.network, 3)}, and "
            f"{format_number(validation.constant, 3)} for a constant prediction."
        )
    yield Diagnosis(
        "labels_shuffled",
        "The labels do not follow from the inputs",
        [
            f"Checked: new weights fit the labels of {format_count(result.examples)} training "
            "examples no faster than the same labels in random order: the mean loss over "
            f"{format_count(result.steps)} steps is {format_number(result.true, 3)}, and "
            f"{format_number(result.permuted, 3)} in random order{against}"
        ],
        "If the inputs contain no information about the labels, nothing can be generalized. Check "
        "that inputs and labels are in the same order.",
        0.9,
        evidence.propose("labels without noise", "data.label_noise", 0.0),
        *chart(evidence.validation_loss, "validation loss"),
    )


def detect_constant_prediction(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects a network whose training loss is no better than that of a constant prediction."""
    baseline = _find_baseline(evidence, "train")
    if baseline is None or not _loses(baseline) or evidence.progress < MIN_PROGRESS:
        return
    yield Diagnosis(
        "no_better_than_constant",
        "The network is no better than a constant prediction",
        [
            f"Checked: its loss on training examples is {format_number(baseline.network, 3)}. The "
            "best prediction that is the same for all of them has "
            f"{format_number(baseline.constant, 3)}, the initial weights "
            f"{format_number(baseline.untrained, 3)}."
        ],
        "Whatever it computes, it has not learned to distinguish one input from another.",
        0.8,
        evidence.propose_rates(10, 0.1) + evidence.propose_kaiming(),
        *chart(evidence.train_loss, "training loss"),
    )


CHECK_RULES: tuple[Callable[[Evidence], Iterator[Diagnosis]], ...] = (
    detect_high_rate_by_check,
    detect_low_rate_by_check,
    detect_failed_memorization,
    detect_meaningless_labels,
    detect_constant_prediction,
)
"""All rules that read checks; they find nothing in a run that was not checked."""


def merge(diagnoses: Iterable[Diagnosis]) -> list[Diagnosis]:
    """Returns each problem once, with the evidence of all rules, without what others explain.

    A batch that cannot be memorized hides what follows from it, and is hidden by every cause.
    """
    merged: dict[str, Diagnosis] = {}
    for diagnosis in diagnoses:
        if (known := merged.get(diagnosis.name)) is not None:
            evidence = [*known.evidence, *diagnosis.evidence]
            confidence = max(known.confidence, diagnosis.confidence)
            diagnosis = replace(known, evidence=evidence, confidence=confidence)
        merged[diagnosis.name] = diagnosis
    names = set(merged)
    hidden = UNEXPLAINED if names - UNEXPLAINED else set()
    if "cannot_memorize_a_batch" in names and names - UNEXPLAINED <= HIDDEN_BY_A_BUG:
        hidden = HIDDEN_BY_A_BUG
    return [diagnosis for name, diagnosis in merged.items() if name not in hidden]


def _find_baseline(evidence: Evidence, split: str) -> Baseline | None:
    checks = evidence.run.checks
    baselines = checks.baselines if checks is not None else []
    return next((baseline for baseline in baselines if baseline.split == split), None)


def _loses(baseline: Baseline, share: float = NO_BETTER) -> bool:
    """Returns whether the network's loss is above a share of that of a constant prediction."""
    return not isfinite(baseline.network) or baseline.network > share * baseline.constant


def _has_learned_little(evidence: Evidence) -> bool:
    baseline = _find_baseline(evidence, "train")
    return baseline is not None and _loses(baseline, NOT_LEARNED)


def _is_no_better(evidence: Evidence) -> bool:
    baseline = _find_baseline(evidence, "train")
    return baseline is not None and _loses(baseline)


def _trials(evidence: Evidence) -> Iterator[tuple[RateTrial, RateTrial, RateTrial]]:
    """Yields the trials at the run's rate, a tenth and ten times it, the current weights first."""
    trials = evidence.run.checks.rates if evidence.run.checks is not None else []
    for start in ("current", "new"):
        of = {trial.factor: trial for trial in trials if trial.start == start}
        if len(of) == 3 and isfinite(of[1.0].before):
            yield of[1.0], of[0.1], of[10.0]


def _describe_start(trial: RateTrial) -> str:
    return "from new weights" if trial.start == "new" else "from the weights of the run"


def _propose_usual_loss(evidence: Evidence) -> list[Fix]:
    """Returns a fix with the usual loss of the task."""
    loss = type(evidence.experiment.task).loss
    return evidence.propose(f"the loss {loss}", "loss.name", loss)
