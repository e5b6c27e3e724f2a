"""A run under watch: what comes and goes, when it counts, and how often it is looked at."""

import pytest

from tests.core.test_diagnosis import STEPS, experiment, lived
from tuilab.core.diagnosis import watch
from tuilab.core.diagnosis.diagnosis import diagnose
from tuilab.core.diagnosis.watch import Watch
from tuilab.core.protocol.events import Rewound
from tuilab.core.run.run import Run

DEAD = "dead/ReLU after 1 Linear"


def training(step: int, dead: float = 0.9) -> Run:
    """A run under way whose ReLUs are dead to this share."""
    run = lived(experiment(), {DEAD: dead}, step / STEPS)
    run.state = "training"
    return run


def names(watch: Watch) -> list[str]:
    return [finding.diagnosis.name for finding in watch.findings]


def test_while_it_trains_one_look_alone_changes_nothing() -> None:
    it = Watch()

    assert not it.look(training(200), at_once=True)
    assert names(it) == []
    assert it.look(training(210), at_once=True)
    assert names(it) == ["dead_relus"]

    it.look(training(220, dead=0.0), at_once=True)
    assert names(it) == ["dead_relus"]
    it.look(training(230, dead=0.0), at_once=True)
    assert names(it) == []


def test_when_it_has_ended_one_look_is_enough() -> None:
    it, run = Watch(), training(400)
    run.state = "finished"

    assert it.look(run)
    assert names(it) == ["dead_relus"]


def test_a_finding_keeps_the_step_at_which_it_came() -> None:
    it = Watch()
    it.look(training(100, dead=0.0), at_once=True)
    for step in (200, 210, 300):
        it.look(training(step), at_once=True)

    (finding,) = it.findings
    assert (finding.step, finding.has_come) == (210, True)


def test_what_was_there_at_the_first_look_is_not_said_to_have_come() -> None:
    it, run = Watch(), training(400)
    run.state = "paused"
    it.look(run)

    assert [(f.step, f.has_come) for f in it.findings] == [(400, False)]


@pytest.mark.parametrize("step", [50, 400])
def test_a_run_that_was_rewound_or_is_another_begins_anew(step: int) -> None:
    it, run = Watch(), training(400)
    run.state = "finished"
    it.look(run)
    other = training(step, dead=0.0)
    other.id = "another" if step == 400 else run.id

    it.look(other, at_once=True)

    assert names(it) == []


def test_it_is_looked_at_once_a_second_and_not_without_news(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks: list[int] = []
    clock = iter([0.0, 0.4, 1.1, 5.0])
    monkeypatch.setattr(watch.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(watch, "_found", lambda run: (looks.append(run.step) or [], 0.0))
    it = Watch()

    for step in (100, 110, 120, 120):
        it.look(training(step))

    assert looks == [100, 120]


def test_a_run_without_history_is_not_looked_at() -> None:
    assert not Watch().look(Run())


@pytest.mark.parametrize("share", [1.0, 0.5, 0.1, 0.01])
def test_a_run_that_goes_back_to_its_beginning_is_told_nothing(share: float) -> None:
    run = lived(experiment(), {DEAD: 0.9}, share)
    for step in (STEPS // 50, 3, 1, 0):
        run.apply(Rewound(run.id, step))
        diagnose(run)

    assert diagnose(run) == []
