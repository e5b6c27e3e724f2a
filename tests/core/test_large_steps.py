"""A rate that was too high: which one, what it has left of the weights, and what still helps."""

import pytest

from tests.core.test_diagnosis import NOT_LEARNING, Values, every, experiment, make_run
from tuilab.core.diagnosis.diagnosis import diagnose
from tuilab.core.diagnosis.finding import Diagnosis
from tuilab.core.experiment.experiment import with_value
from tuilab.core.protocol.events import KnobChanged, Resumed, Rewound, Started
from tuilab.core.run.run import Run

RATE = "optimizer.lr"

CHANGED_AT = 100
"""The step of 400 after which another learning rate applies."""


def run_with_rates(rates: list[float], updates: list[float]) -> Run:
    """Returns a run that learned nothing, with one or two rates and their relative updates."""
    of = experiment(optimizer={"name": "adamw", "lr": rates[0]})
    update: Values = lambda part: updates[0] if part <= 0.25 else updates[-1]  # noqa: E731
    run = make_run(of, {**NOT_LEARNING, **every("update", update)})
    if len(rates) > 1:
        run.apply(KnobChanged(run.id, CHANGED_AT, RATE, rates[1]))
    return run


def diagnose_rate(run: Run) -> Diagnosis:
    first, *_ = diagnose(run)
    assert first.name == "learning_rate_too_high"
    return first


@pytest.mark.parametrize(
    ("rates", "updates", "proposed"),
    [
        ([100.0], [350], {0.001: False, 10.0: False, 1.0: False}),
        ([1.0], [0.5], {0.001: True, 0.1: True, 0.01: True}),
        ([100.0, 0.001], [350, 1e-3], {0.001: False}),
        ([100.0, 0.005], [350, 1e-3], {0.005: False, 0.001: False}),
        ([100.0, 50.0], [350, 0.1], {0.001: False, 10.0: False, 1.0: False}),
        ([0.1], [0.5], {0.001: True, 0.01: True}),
        ([1.0, 0.05], [0.5, 0.1], {0.05: False, 0.001: True, 0.01: True}),
        ([0.001, 100.0], [1e-3, 350], {0.001: False, 10.0: False, 1.0: False}),
    ],
)
def test_advice_is_for_the_rate_at_fault_and_needs_a_restart_if_weights_are_destroyed(
    rates: list[float], updates: list[float], proposed: dict[float, bool]
) -> None:
    diagnosis = diagnose_rate(run_with_rates(rates, updates))

    fixes = [fix for fix in diagnosis.fixes if fix.key == RATE]
    assert [(fix.value, fix.is_live) for fix in fixes] == list(proposed.items())
    is_destroyed = max(updates) > 1
    assert all(not fix.is_live for fix in diagnosis.fixes) == is_destroyed
    assert ("restarted" in diagnosis.explanation) == is_destroyed


@pytest.mark.parametrize(
    ("rates", "verb", "sentence"),
    [
        ([100.0], "is", ""),
        ([100.0, 50.0], "is", "was 100 then; it has been 50 since step 100"),
        ([100.0, 0.001], "was", "was 100 then; it has been 0.001 since step 100"),
    ],
)
def test_a_finding_says_that_the_rate_has_been_lowered(
    rates: list[float], verb: str, sentence: str
) -> None:
    diagnosis = diagnose_rate(run_with_rates(rates, [350, 0.1]))

    assert diagnosis.title == f"The learning rate {verb} too high"
    changes = [line for line in diagnosis.evidence if "since step" in line]
    assert len(changes) == bool(sentence) and all(sentence in line for line in changes)


def test_a_run_remembers_its_learning_rates_and_the_steps_of_their_changes() -> None:
    of, run = experiment(optimizer={"name": "adamw", "lr": 0.1}), Run()
    started = Started("a", of, "cpu", 100, 10, {"train": 320, "validation": 80, "test": 100})
    run.apply(started)
    assert run.learning_rates == [(0, 0.1)]

    for step, key, value in ((50, RATE, 0.2), (50, RATE, 0.3), (60, "optimizer.weight_decay", 0.0),
                             (70, RATE, 0.01)):  # fmt: skip
        run.apply(KnobChanged("a", step, key, value))
    assert run.learning_rates == [(0, 0.1), (50, 0.3), (70, 0.01)]

    run.step = 90
    run.apply(Rewound("a", 60))
    assert run.learning_rates == [(0, 0.1), (50, 0.3), (60, 0.01)], "a knob keeps its value"
    run.apply(Resumed("a", 20))
    assert run.learning_rates == [(0, 0.1), (20, 0.01)]
    later = with_value(of, RATE, 0.5)
    run.apply(Started("a", later, "cpu", 100, 10, started.examples, step=30))
    assert run.learning_rates[-1] == (30, 0.5)
