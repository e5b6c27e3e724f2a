"""The diagnosis of a run in progress: when problems appear and disappear, and how often it runs."""

import pytest

from tests.core.test_diagnosis import POOR, STEPS, experiment, make_run
from tuilab.core.diagnosis import watch
from tuilab.core.diagnosis.diagnosis import diagnose
from tuilab.core.diagnosis.finding import Diagnosis
from tuilab.core.diagnosis.watch import DiagnosisWatch
from tuilab.core.protocol.events import Rewound
from tuilab.core.run.run import Run

DEAD = "dead/ReLU after 1 Linear"


def training(step: int, dead: float = 0.9) -> Run:
    """Returns a run in progress with this share of dead ReLUs."""
    run = make_run(experiment(), {**POOR, DEAD: dead}, step / STEPS)
    run.state = "training"
    return run


def names(watch: DiagnosisWatch) -> list[str]:
    return [finding.diagnosis.name for finding in watch.findings]


def test_during_training_a_single_diagnosis_changes_nothing() -> None:
    diagnosis_watch = DiagnosisWatch()

    assert not diagnosis_watch.update(training(200), force=True)
    assert names(diagnosis_watch) == []
    assert diagnosis_watch.update(training(210), force=True)
    assert names(diagnosis_watch) == ["dead_relus"]

    diagnosis_watch.update(training(220, dead=0.0), force=True)
    assert names(diagnosis_watch) == ["dead_relus"]
    diagnosis_watch.update(training(230, dead=0.0), force=True)
    assert names(diagnosis_watch) == []


def test_after_the_end_a_single_diagnosis_is_enough() -> None:
    diagnosis_watch, run = DiagnosisWatch(), training(400)
    run.state = "finished"

    assert diagnosis_watch.update(run)
    assert names(diagnosis_watch) == ["dead_relus"]


def test_a_finding_keeps_the_step_at_which_it_appeared() -> None:
    diagnosis_watch = DiagnosisWatch()
    diagnosis_watch.update(training(100, dead=0.0), force=True)
    for step in (200, 210, 300):
        diagnosis_watch.update(training(step), force=True)

    (finding,) = diagnosis_watch.findings
    assert finding.step == 210


def test_the_first_diagnosis_of_a_paused_run_finds_at_once() -> None:
    diagnosis_watch, run = DiagnosisWatch(), training(400)
    run.state = "paused"
    diagnosis_watch.update(run)

    assert [finding.step for finding in diagnosis_watch.findings] == [400]


@pytest.mark.parametrize("step", [50, 400])
def test_a_rewound_or_another_run_starts_without_findings(step: int) -> None:
    diagnosis_watch, run = DiagnosisWatch(), training(400)
    run.state = "finished"
    diagnosis_watch.update(run)
    other = training(step, dead=0.0)
    other.id = "another" if step == 400 else run.id

    assert diagnosis_watch.update(other, force=True), "the old finding is still on the screen"
    assert names(diagnosis_watch) == []


@pytest.mark.parametrize(("steps", "says"), [(30, "30 steps"), (400, "")])
def test_another_run_is_diagnosed_at_once_and_replaces_what_was_said_of_the_last(
    steps: int, says: str
) -> None:
    diagnosis_watch, run = DiagnosisWatch(), training(400)
    run.state = "finished"
    assert diagnosis_watch.update(run) and names(diagnosis_watch)
    other = training(steps, dead=0.0)
    other.id = "another"

    assert diagnosis_watch.update(other)
    assert names(diagnosis_watch) == []
    assert diagnosis_watch.too_early.startswith(says)
    other.id = "a third"
    other.series.clear()
    assert diagnosis_watch.update(other) == bool(says)
    assert diagnosis_watch.too_early == ""


def test_a_run_is_diagnosed_once_a_second_and_only_after_a_change(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steps: list[int] = []
    clock = iter([0.0, 0.4, 1.1, 5.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))

    def record_step(run: Run) -> tuple[list[Diagnosis], float]:
        steps.append(run.step)
        return [], 0.0

    monkeypatch.setattr(watch, "_diagnose", record_step)
    diagnosis_watch = DiagnosisWatch()

    for step in (100, 110, 120, 120):
        diagnosis_watch.update(training(step))

    assert steps == [100, 120]


def test_a_run_without_history_is_not_diagnosed() -> None:
    assert not DiagnosisWatch().update(Run())


@pytest.mark.parametrize("share", [1.0, 0.5, 0.1, 0.01])
def test_a_run_that_is_rewound_to_its_start_has_no_problems(share: float) -> None:
    run = make_run(experiment(), {DEAD: 0.9}, share)
    for step in (STEPS // 50, 3, 1, 0):
        run.apply(Rewound(run.id, step))
        diagnose(run)

    assert diagnose(run) == []
