"""Early stopping: when a run ends, with which weights, and how it continues."""

from pathlib import Path

import pytest
import torch

from tests.support import tiny
from tuilab.core.protocol.events import EpochEnded, Logged
from tuilab.engine import checkpoint, progress
from tuilab.engine.session import Session
from tuilab.engine.train import train


def session_with_losses(
    monkeypatch: pytest.MonkeyPatch, losses: list[float], **config: object
) -> Session:
    """Returns a session with given validation losses; the last one repeats."""
    session = tiny.session(regularization=config, epochs=30)

    def evaluate(part: object):
        epoch = session.epoch
        yield
        return {"loss": losses[min(epoch, len(losses)) - 1]}

    monkeypatch.setattr(session, "evaluate", evaluate)
    return session


def test_a_run_ends_after_patience_epochs_without_a_better_loss(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = session_with_losses(monkeypatch, [3.0, 2.0, 2.5, 1.9, 1.95, 2.2, 2.0], patience=3)

    events = list(train(session))

    assert session.epoch == 7 and session.is_over and session.is_stopped
    assert len([event for event in events if isinstance(event, EpochEnded)]) == 7
    note = next(event.text for event in events if isinstance(event, Logged))
    assert "no better validation loss for 3 epochs" in note


def test_less_than_min_delta_is_not_better(monkeypatch: pytest.MonkeyPatch) -> None:
    falling = [1.0 - 0.01 * epoch for epoch in range(20)]

    assert epochs_until_stop(session_with_losses(monkeypatch, falling, patience=2)) == 21 + 1
    assert (
        epochs_until_stop(session_with_losses(monkeypatch, falling, patience=2, min_delta=0.05))
        < 20
    )


def epochs_until_stop(session: Session) -> int:
    list(train(session))
    return session.epoch


@pytest.mark.parametrize("restored", [True, False])
def test_the_best_weights_are_restored_bit_by_bit(
    monkeypatch: pytest.MonkeyPatch, restored: bool
) -> None:
    session = session_with_losses(
        monkeypatch, [2.0, 1.0, 1.5, 1.5], patience=2, restore_best=restored
    )
    passed = {}
    for event in train(session):
        if isinstance(event, EpochEnded) and event.epoch not in passed:
            passed[event.epoch] = tiny.weights(session)

    assert session.epoch == 4
    assert torch.equal(tiny.weights(session), passed[2]) == restored


def test_with_more_patience_a_run_continues(monkeypatch: pytest.MonkeyPatch) -> None:
    session = session_with_losses(monkeypatch, [1.0, 1.5], patience=2)
    list(train(session))
    assert session.epoch == 3 and session.is_over

    session.set_knob("regularization.patience", 6)
    assert not session.is_over
    list(train(session))

    assert session.epoch == 7


def test_with_more_epochs_a_run_continues_and_patience_counts_from_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = session_with_losses(monkeypatch, [1.0, 1.5], patience=2)
    list(train(session))
    assert session.epoch == 3 and session.is_over

    session.set_knob("training.epochs", 31)
    assert not session.is_over
    list(train(session))

    assert session.epoch == 5


def test_every_epoch_is_evaluated_however_fast_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "REPORT_INTERVAL", 1e9)
    watching = tiny.session(regularization={"patience": 50}, epochs=12)
    plateau = tiny.session(schedule={"name": "plateau"}, epochs=12)
    other = tiny.session(epochs=12)

    counts = []
    for session in (watching, plateau, other):
        list(train(session))
        counts.append(len(session.validation_losses))

    assert counts[:2] == [12, 12]
    assert counts[2] < 12


def test_the_best_average_is_restored_with_the_best_weights(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = tiny.session(
        averaging={"name": "ema", "decay": 0.8}, regularization={"patience": 3}, epochs=300,
        optimizer={"name": "sgd", "lr": 3.0, "momentum": 0.9},
    )  # fmt: skip
    list(train(session))

    assert session.is_stopped
    loss = session.finished_event("done").results["validation"]["loss"]
    assert loss == pytest.approx(min(session.validation_losses), abs=1e-7)


NOISY = {"regularization": {"patience": 3}, "optimizer": {"name": "sgd", "lr": 1.0}, "epochs": 200}


@pytest.mark.parametrize("stop", [3, 20, 31])
def test_a_resumed_run_stops_where_the_unbroken_one_does(tmp_path: Path, stop: int) -> None:
    unbroken = tiny.session(**NOISY)
    list(train(unbroken))
    assert unbroken.is_stopped and unbroken.step > 31

    broken = tiny.session(**NOISY)
    tiny.steps(broken, stop)
    checkpoint.save(broken, tmp_path / "checkpoint.pt")
    resumed = tiny.session(**NOISY)
    checkpoint.load(resumed, tmp_path / "checkpoint.pt")
    list(train(resumed))

    assert resumed.validation_losses == unbroken.validation_losses
    assert resumed.step == unbroken.step and torch.equal(
        tiny.weights(resumed), tiny.weights(unbroken)
    )


def test_an_epoch_whose_evaluation_was_interrupted_is_evaluated_after_resuming(
    tmp_path: Path,
) -> None:
    broken = tiny.session(**NOISY)
    loop = train(broken)
    while not broken.is_evaluation_pending:
        next(loop)
    loop.close()
    checkpoint.save(broken, tmp_path / "checkpoint.pt")
    resumed = tiny.session(**NOISY)
    checkpoint.load(resumed, tmp_path / "checkpoint.pt")
    unbroken = tiny.session(**NOISY)
    for session in (resumed, unbroken):
        list(train(session))

    assert resumed.validation_losses == unbroken.validation_losses


def test_a_stopped_run_continues_from_its_file_with_more_epochs(tmp_path: Path) -> None:
    first = tiny.session(**NOISY)
    list(train(first))
    checkpoint.save(first, tmp_path / "checkpoint.pt")
    same, longer = tiny.session(**NOISY), tiny.session(**{**NOISY, "epochs": 400})
    for session in (same, longer):
        checkpoint.load(session, tmp_path / "checkpoint.pt")

    assert same.is_over and not longer.is_over
