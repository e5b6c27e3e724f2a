"""The history of a run follows from its steps: no clock, screen or pause changes a point of it."""

import random
from collections.abc import Callable
from math import nan
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.support.tiny_sessions import make_session
from tuilab.core.protocol.events import AnyEvent, EpochEnded, Failed, Progressed
from tuilab.core.run.run import Run
from tuilab.engine import checkpoint, progress, recorder, schedule
from tuilab.engine.session import Session
from tuilab.engine.train import train

RUNS: dict[str, dict[str, Any]] = {
    "classifier": {"epochs": 12},
    "one batch an epoch": {"epochs": 40, "batch_size": 0},
    "diverging": {"epochs": 12, "optimizer": {"name": "sgd", "lr": 1000.0}},
    "regularized": {"epochs": 6, "regularization": {"l2": 0.01, "patience": 3}},
}

SERIES = ("loss/train", "lr", "accuracy/train", "loss/validation", "gradient/1 Linear")


def record(session: Session, on_event: Callable[[], None] = lambda: None) -> tuple[Run, str]:
    """Trains to the end; returns the run, and all its history as a text."""
    run, epochs = Run(), []
    run.apply(session.started_event())
    for event in train(session):
        on_event()
        if event is not None:
            run.apply(event)
        if isinstance(event, EpochEnded):
            epochs.append((event.epoch, event.train, event.validation))
    return run, repr((sorted(run.series.items()), epochs))


@pytest.mark.parametrize("name", RUNS)
def test_the_clock_changes_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["Linear 8", *["Linear 8"] * 4, "Linear 3"] if name == "diverging" else []
    histories = []
    for interval in (0.0, 1e9, 0.002):
        monkeypatch.setattr(progress, "REPORT_INTERVAL", interval)
        histories.append(record(make_session(*lines, **RUNS[name])))

    (run, first), *others = histories
    assert (run.failure is not None) == (name == "diverging")
    assert run.series["loss/train"].points()
    assert all(history == first for _, history in others)


def test_pauses_and_requested_reports_change_nothing() -> None:
    session, generator = make_session(epochs=9), random.Random(0)

    def interfere() -> None:
        session.report_at_step = session.step + generator.randrange(1, 4)
        checkpoint.capture_state(session)

    assert record(session, interfere)[1] == record(make_session(epochs=9))[1]


def test_every_step_of_a_short_run_is_a_point_of_its_loss_and_rate() -> None:
    run, _ = record(make_session(epochs=10))

    for name in ("loss/train", "lr"):
        assert [point[0] for point in run.series[name].points()] == list(range(1, 61))
    assert [point[0] for point in run.series["gradient/1 Linear"].points()][:8] == [*range(1, 9)]
    assert all(name in run.series for name in SERIES)


def test_the_means_of_an_epoch_are_those_of_its_batches() -> None:
    session, losses, ends = make_session(epochs=5, batch_size=7), [], []
    for event in train(session):
        if event is None and session.recorder._pending:
            session.recorder.read()
        if isinstance(event, EpochEnded):
            ends.append(event.train["loss"])
        if isinstance(event, Progressed):
            losses += [point.mean for point in event.points or ()]

    batches = session.batches_per_epoch
    expected = [sum(losses[i * batches : (i + 1) * batches]) / batches for i in range(5)]
    assert ends == pytest.approx(expected, rel=1e-12)


def test_the_accuracy_of_an_epoch_is_that_of_all_its_examples() -> None:
    session, hits, ends = make_session(epochs=3, batch_size=5), [], []
    original = session.task.measure

    def count(output: torch.Tensor, targets: torch.Tensor) -> dict[str, float]:
        return original(output, targets)

    session.task.measure = count  # type: ignore[method-assign]
    reporter_add = progress.ProgressReporter.add

    def add(self: Any, loss: Any, output: torch.Tensor, targets: torch.Tensor) -> None:
        hits.append(int((output.argmax(1) == targets).sum()))
        reporter_add(self, loss, output, targets)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(progress.ProgressReporter, "add", add)
        ends = [e.train["accuracy"] for e in train(session) if isinstance(e, EpochEnded)]

    batches = session.batches_per_epoch
    expected = [sum(hits[i * batches : (i + 1) * batches]) / 57 for i in range(3)]
    assert ends == pytest.approx(expected, rel=1e-6)


def test_a_resumed_run_has_the_history_of_an_uninterrupted_one() -> None:
    whole, _ = record(make_session(epochs=10))
    interrupted, run = make_session(epochs=10), Run()
    run.apply(interrupted.started_event())
    for event in train(interrupted):
        if event is not None:
            run.apply(event)
        elif interrupted.step == 27:
            break
    state = checkpoint.capture_state(interrupted)
    resumed = make_session(epochs=10)
    checkpoint.restore_state(resumed, state)
    run.apply(resumed.started_event())
    events: list[AnyEvent] = [event for event in train(resumed) if event is not None]
    for event in events:
        run.apply(event)

    [epoch] = [e for e in events if isinstance(e, EpochEnded) and e.epoch == 5]
    assert epoch.train["loss"] == pytest.approx(
        sum(p[1] for p in whole.series["loss/train"].points()[24:30]) / 6, rel=1e-12
    )
    steps = [point[0] for point in run.series["gradient/1 Linear"].points()]
    assert steps == [point[0] for point in whole.series["gradient/1 Linear"].points()]


@pytest.mark.parametrize("at", [1, 6, 8])
def test_a_loss_that_is_nan_is_reported_at_its_step(
    at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "REPORT_INTERVAL", 1e9)
    session = make_session(epochs=5)
    add = session.recorder.add
    monkeypatch.setattr(
        session.recorder, "add",
        lambda step, loss, lr: add(step, loss * nan if step == at else loss, lr),
    )  # fmt: skip

    [failed] = [event for event in train(session) if isinstance(event, Failed)]

    assert (session.step, failed.step) == (at, at)
    assert failed.title.endswith(f"at step {at}")


@given(st.integers(1, 10**9))
def test_schedules_thin_by_powers_of_two(step: int) -> None:
    for is_kept, exact in (
        (schedule.ends_point, 2 * schedule.EXACT_LOSSES),
        (schedule.is_measured, 2 * schedule.EXACT_PROBES),
        (schedule.is_evaluated, 2 * schedule.EXACT_EPOCHS),
    ):
        assert is_kept(step) or step >= exact
        assert not is_kept(step) or step < exact or is_kept(2 * step)


@pytest.mark.parametrize(
    ("is_kept", "max_points"), [(schedule.ends_point, 6200), (schedule.is_measured, 700)]
)
def test_a_million_steps_have_a_few_thousand_points(
    is_kept: Callable[[int], bool], max_points: int
) -> None:
    assert max_points / 2 < sum(map(is_kept, range(1, 10**6 + 1))) < max_points


@pytest.mark.parametrize("steps", [3, 8])
def test_a_checkpoint_counts_large_outputs_that_are_not_kept(steps: int) -> None:
    output, targets = torch.zeros(2, recorder.LARGE_OUTPUT), torch.zeros(2)
    straight, resumed = recorder.Recorder(), recorder.Recorder()
    for _ in range(steps):
        straight.add_output(output, targets)
    resumed.load_state_dict(straight.state_dict())

    for _ in range(steps, 8):
        assert not straight.is_full and not resumed.is_full
        for one in (straight, resumed):
            one.add_output(output, targets)

    assert straight.is_full and resumed.is_full
