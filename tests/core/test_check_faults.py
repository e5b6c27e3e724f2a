"""What the diagnosis concludes from checks, when they are needed, and their results in words."""

from math import nan
from typing import Any

import pytest
from msgspec.structs import replace

from tests.core.test_diagnosis import (
    NOT_LEARNING,
    RISING,
    STEPS,
    Values,
    every,
    experiment,
    make_run,
)
from tuilab.core.diagnosis.check_faults import CHECK_RULES
from tuilab.core.diagnosis.checks import describe_checks, needs_checks
from tuilab.core.diagnosis.diagnosis import diagnose
from tuilab.core.diagnosis.evidence import Evidence
from tuilab.core.diagnosis.watch import DiagnosisWatch
from tuilab.core.experiment.experiment import with_value
from tuilab.core.experiment.validation import find_errors
from tuilab.core.protocol.events import Checking, ChecksReported, Failed, Finished, Paused, Resumed
from tuilab.core.protocol.records import (
    Baseline,
    LabelPermutation,
    Memorization,
    RateSearch,
    RateTrial,
)
from tuilab.core.run.run import Run

NO_BETTER = [Baseline("train", 320, 0.69, 0.75, 0.69), Baseline("validation", 80, 0.7, 0.76, 0.7)]
OVERFITTED = [Baseline("train", 320, 0.2, 0.75, 0.69), Baseline("validation", 80, 1.9, 0.76, 0.7)]
LEARNED = [Baseline("train", 320, 0.1, 0.75, 0.69), Baseline("validation", 80, 0.12, 0.76, 0.7)]
MEMORIZED = Memorization(8, 40, 0.01, 0.7, 0.03, 0.69)
NOT_MEMORIZED = Memorization(8, 150, 0.01, 0.7, 0.69, 0.69)
SIGNAL = LabelPermutation(128, 120, 0.2, 0.68, 0.1, 0.67, 0.69)
NO_SIGNAL = LabelPermutation(128, 120, 0.67, 0.68, 0.64, 0.65, 0.69)


def trials(before: float, tenth: float, own: float, ten: float) -> list[RateTrial]:
    """Returns trials from the current weights with the losses that they end with."""
    losses = {1.0: own, 0.1: tenth, 10.0: ten}
    return [
        RateTrial("current", factor, factor * 1e-3, 30, before, after)
        for factor, after in losses.items()
    ]


SLOW, FAST, FLAT = (
    trials(0.69, 0.69, 0.685, 0.5), trials(0.69, 0.5, 0.9, 20.0), trials(0.69, 0.69, 0.69, 0.69)
)  # fmt: skip


def report(**results: Any) -> ChecksReported:
    return ChecksReported("a", STEPS, **{
        "baselines": NO_BETTER, "memorization": MEMORIZED, "rates": FLAT, "permutation": SIGNAL,
        **results,
    })  # fmt: skip


def checked(
    results: ChecksReported, curves: dict[str, Values] = NOT_LEARNING, done: float = 1.0
) -> Run:
    run = make_run(experiment(), {**curves, **every("update", 3e-3)}, done)
    run.apply(results)
    return run


def names(results: ChecksReported, done: float = 1.0) -> list[str]:
    return [diagnosis.name for diagnosis in diagnose(checked(results, done=done))]


FAULTY = [
    ("learning_rate_too_high", report(rates=FAST)),
    ("learning_rate_too_low", report(rates=SLOW)),
    ("cannot_memorize_a_batch", report(memorization=NOT_MEMORIZED)),
    ("labels_shuffled", report(permutation=NO_SIGNAL, baselines=OVERFITTED)),
    ("no_better_than_constant", report()),
]

SOUND = [
    ("learning_rate_too_high", report(rates=FAST, baselines=LEARNED)),
    ("learning_rate_too_high", report(rates=trials(0.69, 0.5, 0.4, 20.0))),
    ("learning_rate_too_low", report(rates=SLOW, baselines=LEARNED)),
    ("learning_rate_too_low", report(rates=trials(0.69, 0.69, 0.6, 0.4))),
    ("cannot_memorize_a_batch", report(memorization=replace(NOT_MEMORIZED, best=0.6))),
    ("cannot_memorize_a_batch", report(memorization=replace(NOT_MEMORIZED, steps=20))),
    ("labels_shuffled", report(permutation=NO_SIGNAL)),  # hard or hopeless: not known
    ("labels_shuffled", report(permutation=NO_SIGNAL, baselines=LEARNED)),
    ("labels_shuffled", report(permutation=SIGNAL, baselines=OVERFITTED)),
    ("no_better_than_constant", report(baselines=LEARNED)),
    ("no_better_than_constant", report(rates=FAST)),
]


@pytest.mark.parametrize(("name", "results"), FAULTY, ids=[name for name, _ in FAULTY])
def test_a_fault_is_found_by_its_check(name: str, results: ChecksReported) -> None:
    run = checked(results)

    [diagnosis] = diagnose(run)

    assert diagnosis.name == name and diagnosis.evidence[0].startswith("Checked: ")
    assert diagnosis.fixes or name == "labels_shuffled"
    for fix in diagnosis.fixes:
        assert run.experiment is not None
        after = with_value(run.experiment, fix.key, fix.value)
        assert after != run.experiment and not find_errors(after)


@pytest.mark.parametrize(("name", "results"), SOUND, ids=[name for name, _ in SOUND])
def test_a_check_just_below_a_threshold_finds_nothing(name: str, results: ChecksReported) -> None:
    assert name not in names(results)


def test_every_rule_has_a_check_that_shows_its_fault() -> None:
    assert len(FAULTY) == len(CHECK_RULES)
    assert {name for name, _ in SOUND} == {name for name, _ in FAULTY}


def test_a_slow_rate_is_not_blamed_at_the_beginning_of_a_run() -> None:
    assert names(report(rates=SLOW), done=0.2) == []


def test_a_check_adds_its_evidence_to_what_the_history_shows() -> None:
    run = checked(report(rates=FAST), RISING)

    [diagnosis] = diagnose(run)

    assert diagnosis.name == "learning_rate_too_high" and diagnosis.confidence >= 0.9
    assert diagnosis.evidence[0].startswith("The training loss started")
    assert diagnosis.evidence[-1].startswith("Checked: ")


def test_results_hold_until_the_run_goes_on() -> None:
    run, watch = checked(report(rates=FAST)), DiagnosisWatch()
    run.apply(Paused("a", STEPS))
    assert watch.update(run) and watch.findings

    run.apply(Resumed("a", STEPS))

    assert run.checks is None and diagnose(run) == []


def test_progress_is_shown_until_the_results_come_or_it_is_canceled() -> None:
    run = make_run(experiment(), {})
    for end in (report(), Checking("a", 0, 0, "", 0.0)):
        run.apply(Checking("a", 2, 4, "can it memorize one batch?", 0.5))
        assert run.checking is not None and run.checking.number == 2
        run.apply(end)
        assert run.checking is None


def test_only_a_run_that_is_not_explained_or_needs_another_rate_needs_checks() -> None:
    unknown = {**NOT_LEARNING, **every("update", 3e-3)}
    cases: list[tuple[dict[str, Values], float, bool]] = [
        (unknown, 1.0, True), (unknown, 0.5, True), (unknown, 0.1, False), ({}, 1.0, False),
        (RISING, 1.0, True), (RISING, 0.25, True),  # another rate is to be found
    ]  # fmt: skip
    for curves, done, is_needed in cases:
        run = make_run(experiment(), curves, done)
        assert not needs_checks(run, diagnose(run)), "it trains"
        is_over = done == 1.0
        end = Finished("a", "done", STEPS, 40, 1.0, {}) if is_over else Paused("a", run.step)
        run.apply(end)
        assert needs_checks(run, diagnose(run)) == is_needed, (list(curves), done)
        run.apply(report())
        assert not needs_checks(run, diagnose(run)), "it has been checked"


def test_a_run_whose_loss_is_not_finite_needs_another_rate() -> None:
    run = make_run(experiment(), {"loss/train": lambda part: 9 if part < 0.5 else nan})
    for has_grown in (True, False):
        run.apply(Failed("a", "The loss became NaN", recoverable=True, has_grown=has_grown))

        assert "loss_not_finite" in {diagnosis.name for diagnosis in diagnose(run)}
        assert needs_checks(run, diagnose(run)) == has_grown


RATES = [  # rate of the run, rate that is found, labels of the proposed rates
    ("high", 1.0, None, ["0.001, the optimizer's default", "0.1", "0.01"]),
    ("high", 1.0, 0.02, ["0.02, from the learning-rate finder", "0.001, the optimizer's default"]),
    ("high", 5e-3, 1e-3, ["0.001, from the learning-rate finder"]),
    ("high", 5e-3, 3e-3, ["0.0005", "5e-5"]),  # hardly another one
    ("high", 1.0, 3.0, ["0.001, the optimizer's default", "0.1", "0.01"]),  # higher yet
    ("low", 1e-5, None, ["0.001, the optimizer's default", "0.0001"]),
    ("low", 1e-5, 0.02, ["0.02, from the learning-rate finder", "0.001, the optimizer's default"]),
    ("low", 1e-5, 1e-7, ["0.001, the optimizer's default", "0.0001"]),
]


@pytest.mark.parametrize(("side", "lr", "suggestion", "labels"), RATES)
def test_the_rate_that_was_found_is_proposed_first(
    side: str, lr: float, suggestion: float | None, labels: list[str]
) -> None:
    run = make_run(with_value(experiment(), "optimizer.lr", lr), NOT_LEARNING)
    if suggestion is not None:
        run.apply(report(rate_search=RateSearch(3, 440, suggestion)))
    assert run.experiment is not None
    factors = {"high": (0.1, 0.01), "low": (10.0, 100.0)}[side]

    fixes = Evidence(run, run.experiment).propose_rates(*factors)

    assert [fix.label.removeprefix("learning rate ") for fix in fixes] == labels


def test_results_are_described_in_a_line_each() -> None:
    note = "Left out (can it memorize one batch?): the data is a single example."
    lines = list(describe_checks(report(notes=[note])))

    assert [line.partition(":")[0] for line in lines] == [
        "Constant prediction", "One batch", "Learning rates", "Labels",
        "Left out (can it memorize one batch?)",
    ]  # fmt: skip
    assert "8 examples are memorized in 40 steps" in lines[1]
    assert list(describe_checks(ChecksReported("a", 1))) == []
