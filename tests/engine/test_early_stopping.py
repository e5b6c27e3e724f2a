"""Early stopping: when a run ends, with which weights, and how it continues."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.support.tiny_sessions import flatten_parameters, make_session, train_steps
from tuilab.core.protocol.events import EpochEnded, Logged
from tuilab.engine import checkpoint, schedule
from tuilab.engine.checkpoint_store import CheckpointStore
from tuilab.engine.session import Session
from tuilab.engine.train import train


def session_with_losses(
    monkeypatch: pytest.MonkeyPatch, losses: list[float], **config: Any
) -> Session:
    """Returns a session with given validation losses; the last one repeats."""
    session = make_session(regularization=config, epochs=30)

    def evaluate(part: object) -> Generator[None, None, dict[str, float]]:
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
    session = session_with_losses(monkeypatch, falling, patience=2, min_delta=0.05)
    assert epochs_until_stop(session) < 20


def epochs_until_stop(session: Session) -> int:
    list(train(session))
    return session.epoch


@pytest.mark.parametrize("restores_best", [True, False])
def test_the_best_weights_are_restored_bit_by_bit(
    monkeypatch: pytest.MonkeyPatch, restores_best: bool
) -> None:
    session = session_with_losses(
        monkeypatch, [2.0, 1.0, 1.5, 1.5], patience=2, restore_best=restores_best
    )
    weights = {}
    for event in train(session):
        if isinstance(event, EpochEnded) and event.epoch not in weights:
            weights[event.epoch] = flatten_parameters(session)

    assert session.epoch == 4
    assert torch.equal(flatten_parameters(session), weights[2]) == restores_best


@pytest.mark.parametrize(
    ("key", "value", "last_epoch"), [("regularization.patience", 6, 7), ("training.epochs", 31, 5)]
)
def test_with_more_patience_or_epochs_a_run_continues_and_patience_starts_again(
    monkeypatch: pytest.MonkeyPatch, key: str, value: int, last_epoch: int
) -> None:
    session = session_with_losses(monkeypatch, [1.0, 1.5], patience=2)
    list(train(session))
    assert session.epoch == 3 and session.is_over

    session.set_knob(key, value)
    assert not session.is_over
    list(train(session))

    assert session.epoch == last_epoch


def test_every_epoch_is_evaluated_even_if_they_are_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "is_evaluated", lambda epoch: False)
    early_stopping = make_session(regularization={"patience": 50}, epochs=12)
    plateau = make_session(schedule={"name": "plateau"}, epochs=12)
    other = make_session(epochs=12)

    counts = []
    for session in (early_stopping, plateau, other):
        list(train(session))
        counts.append(len(session.validation_losses))

    assert counts[:2] == [12, 12]
    assert counts[2] < 12


def test_the_best_average_is_restored_with_the_best_weights(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = make_session(
        averaging={"name": "ema", "decay": 0.8}, regularization={"patience": 3}, epochs=300,
        optimizer={"name": "sgd", "lr": 3.0, "momentum": 0.9},
    )  # fmt: skip
    list(train(session))

    assert session.is_stopped
    loss = session.finished_event("done").results["validation"]["loss"]
    assert loss == pytest.approx(min(session.validation_losses), abs=1e-7)


NOISY: dict[str, Any] = {
    "regularization": {"patience": 3}, "optimizer": {"name": "sgd", "lr": 1.0}, "epochs": 200,
}  # fmt: skip


@pytest.mark.parametrize("stop", [3, 20, 31])
def test_a_resumed_run_stops_where_an_uninterrupted_one_does(tmp_path: Path, stop: int) -> None:
    uninterrupted = make_session(**NOISY)
    list(train(uninterrupted))
    assert uninterrupted.is_stopped and uninterrupted.step > 31

    interrupted = make_session(**NOISY)
    train_steps(interrupted, stop)
    CheckpointStore(tmp_path / "checkpoint.pt").save(interrupted)
    resumed = make_session(**NOISY)
    checkpoint.load(resumed, tmp_path / "checkpoint.pt")
    list(train(resumed))

    assert resumed.validation_losses == uninterrupted.validation_losses
    assert resumed.step == uninterrupted.step and torch.equal(
        flatten_parameters(resumed), flatten_parameters(uninterrupted)
    )


def test_an_epoch_whose_evaluation_was_interrupted_is_evaluated_after_resuming(
    tmp_path: Path,
) -> None:
    interrupted = make_session(**NOISY)
    loop = train(interrupted)
    while not interrupted.is_evaluation_pending:
        next(loop)
    loop.close()
    CheckpointStore(tmp_path / "checkpoint.pt").save(interrupted)
    resumed = make_session(**NOISY)
    checkpoint.load(resumed, tmp_path / "checkpoint.pt")
    uninterrupted = make_session(**NOISY)
    for session in (resumed, uninterrupted):
        list(train(session))

    assert resumed.validation_losses == uninterrupted.validation_losses


def test_a_stopped_run_continues_from_its_file_with_more_epochs(tmp_path: Path) -> None:
    first = make_session(**NOISY)
    list(train(first))
    CheckpointStore(tmp_path / "checkpoint.pt").save(first)
    same, longer = make_session(**NOISY), make_session(**{**NOISY, "epochs": 400})
    for session in (same, longer):
        checkpoint.load(session, tmp_path / "checkpoint.pt")

    assert same.is_over and not longer.is_over
