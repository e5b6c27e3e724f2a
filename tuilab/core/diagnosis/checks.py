"""Checks on copies of a run: when they are worth their time, and their results in words."""

from collections.abc import Iterator, Sequence

from tuilab.core.diagnosis.evidence import MIN_PROGRESS, Evidence
from tuilab.core.diagnosis.finding import Diagnosis
from tuilab.core.format import format_count, format_number, format_percent
from tuilab.core.protocol.events import ChecksReported
from tuilab.core.protocol.records import (
    Baseline,
    LabelPermutation,
    Memorization,
    RateSearch,
    RateTrial,
)
from tuilab.core.run.run import Run

SURE = 0.9
"""A finding with this confidence needs no check."""

LEARNED, LEARNED_LOSS = 0.6, 0.3
"""Skill score on the validation set, or decrease of the training loss, of a run that has learned
well."""

RATE_FAULTS = {"learning_rate_too_high", "learning_rate_too_low", "loss_not_finite"}
"""What another learning rate mends: checks search it, however sure the finding is."""

TASKS = ("classification", "regression", "language_model", "autoencoder")
"""Tasks whose loss says how well the network does."""


def can_check(run: Run) -> bool:
    """Returns whether there is a run that can be checked now."""
    return run.started is not None and run.state in ("paused", "finished", "failed")


def needs_checks(run: Run, diagnoses: Sequence[Diagnosis]) -> bool:
    """Returns whether checks can help a run.

    It has not learned well and its history does not say why, or another learning rate is to be
    found for it.
    """
    if not can_check(run) or run.checking is not None or run.checks is not None:
        return False
    if run.experiment is None or not run.series:
        return False
    evidence = Evidence(run, run.experiment)
    if evidence.task not in TASKS:
        return False
    if needs_rate(diagnoses):
        return not run.experiment.optimizer.needs_closure
    is_late = run.state == "finished" or evidence.progress >= MIN_PROGRESS
    is_explained = any(diagnosis.confidence >= SURE for diagnosis in diagnoses)
    return run.state != "failed" and is_late and not is_explained and not _has_learned(evidence)


def needs_rate(diagnoses: Sequence[Diagnosis]) -> bool:
    """Returns whether the learning rate is at fault and another one is proposed."""
    return any(
        diagnosis.name in RATE_FAULTS and any(fix.key == "optimizer.lr" for fix in diagnosis.fixes)
        for diagnosis in diagnoses
    )


def _has_learned(evidence: Evidence) -> bool:
    skill = evidence.validation_skill
    if skill is None and evidence.task == "regression":
        skill = evidence.skill
    if skill is None or evidence.task not in ("classification", "regression"):
        return evidence.loss_drop >= LEARNED_LOSS
    return skill >= LEARNED


def describe_checks(report: ChecksReported) -> Iterator[str]:
    """Yields a sentence for each result."""
    for baseline in report.baselines[:1]:
        yield _describe_baseline(baseline)
    if report.memorization is not None:
        yield _describe_memorization(report.memorization)
    yield from _describe_rates(report.rates)
    if report.rate_search is not None:
        yield _describe_search(report.rate_search)
    if report.permutation is not None:
        yield _describe_permutation(report.permutation)
    yield from report.notes


def _describe_baseline(baseline: Baseline) -> str:
    return (
        f"Constant prediction: the training loss is {format_number(baseline.network, 3)}; "
        f"{format_number(baseline.constant, 3)} for the best constant, "
        f"{format_number(baseline.untrained, 3)} for the initial weights."
    )


def _describe_memorization(result: Memorization) -> str:
    change = f"loss {format_number(result.first, 3)} → {format_number(result.best, 3)}"
    if result.excess > 0.5:
        outcome = "are not memorized"
    else:
        outcome = "are memorized" if result.excess < 0.1 else "are mostly memorized"
    count, steps = format_count(result.examples), format_count(result.steps)
    return f"One batch: {count} examples {outcome} in {steps} steps ({change})."


def _describe_rates(trials: Sequence[RateTrial]) -> Iterator[str]:
    start = "current" if any(trial.start == "current" for trial in trials) else "new"
    of = sorted((t for t in trials if t.start == start), key=lambda trial: trial.lr)
    if of:
        where = "from these weights" if start == "current" else "from new weights"
        losses = ", ".join(f"{format_number(t.after, 3)} at {format_number(t.lr, 2)}" for t in of)
        steps, before = format_count(of[0].steps), format_number(of[0].before, 3)
        yield f"Learning rates: {steps} steps {where} take the loss from {before} to {losses}."


def _describe_search(search: RateSearch) -> str:
    result = (
        "the loss falls at none"
        if search.lr is None
        else f"the loss falls fastest at {format_number(search.lr, 2)}"
    )
    if search.searches > 1:
        result += f" (mean of {format_count(search.searches)} searches)"
    steps = format_count(search.steps)
    return f"Learning-rate finder: {steps} steps from new weights at rising rates; {result}."


def _describe_permutation(result: LabelPermutation) -> str:
    ratio = format_percent(result.true / result.permuted) if result.permuted else "-"
    return (
        f"Labels: the mean loss of {format_count(result.steps)} steps is "
        f"{format_number(result.true, 3)}, and {format_number(result.permuted, 3)} with permuted "
        f"labels ({ratio})."
    )
