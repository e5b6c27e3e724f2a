"""Early stopping: when it ends, with which weights, and how one goes on."""

from pathlib import Path

import pytest
import torch

from tests.support.tiny import session, steps, weights
from tuilab.core.protocol.events import EpochEnded, Logged
from tuilab.engine import checkpoint, progress
from tuilab.engine.session import Session
from tuilab.engine.train import train


def scripted(monkeypatch: pytest.MonkeyPatch, losses: list[float], **knobs: object) -> Session:
    """A run whose validation losses are given; later ones are the last."""
    subject = session(regularization=knobs, epochs=30)

    def evaluate(part: object):
        epoch = subject.epoch
        yield
        return {"loss": losses[min(epoch, len(losses)) - 1]}

    monkeypatch.setattr(subject, "evaluate", evaluate)
    return subject


def test_it_ends_after_so_many_epochs_without_a_better_loss(monkeypatch: pytest.MonkeyPatch):
    subject = scripted(monkeypatch, [3.0, 2.0, 2.5, 1.9, 1.95, 2.2, 2.0], patience=3)

    events = list(train(subject))

    assert subject.epoch == 7 and subject.is_over and subject.is_stopped
    assert len([event for event in events if isinstance(event, EpochEnded)]) == 7
    note = next(event.text for event in events if isinstance(event, Logged))
    assert "no better validation loss for 3 epochs" in note


def test_less_than_min_delta_is_not_better(monkeypatch: pytest.MonkeyPatch):
    falling = [1.0 - 0.01 * epoch for epoch in range(20)]

    assert _epochs(scripted(monkeypatch, falling, patience=2)) == 21 + 1
    assert _epochs(scripted(monkeypatch, falling, patience=2, min_delta=0.05)) < 20


def _epochs(subject: Session) -> int:
    list(train(subject))
    return subject.epoch


@pytest.mark.parametrize("restored", [True, False])
def test_the_best_weights_come_back_bit_by_bit(monkeypatch: pytest.MonkeyPatch, restored: bool):
    subject = scripted(monkeypatch, [2.0, 1.0, 1.5, 1.5], patience=2, restore_best=restored)
    passed = {}
    for event in train(subject):
        if isinstance(event, EpochEnded) and event.epoch not in passed:
            passed[event.epoch] = weights(subject)

    assert subject.epoch == 4
    assert torch.equal(weights(subject), passed[2]) == restored


def test_with_more_patience_it_goes_on(monkeypatch: pytest.MonkeyPatch):
    subject = scripted(monkeypatch, [1.0, 1.5], patience=2)
    list(train(subject))
    assert subject.epoch == 3 and subject.is_over

    subject.set("regularization.patience", 6)
    assert not subject.is_over
    list(train(subject))

    assert subject.epoch == 7


def test_with_more_epochs_it_goes_on_and_patience_counts_anew(monkeypatch: pytest.MonkeyPatch):
    subject = scripted(monkeypatch, [1.0, 1.5], patience=2)
    list(train(subject))
    assert subject.epoch == 3 and subject.is_over

    subject.set("training.epochs", 31)
    assert not subject.is_over
    list(train(subject))

    assert subject.epoch == 5


def test_every_epoch_is_measured_however_fast_they_are(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(progress, "INTERVAL", 1e9)
    watching = session(regularization={"patience": 50}, epochs=12)
    plateau = session(schedule={"name": "plateau"}, epochs=12)
    other = session(epochs=12)

    counts = []
    for subject in (watching, plateau, other):
        list(train(subject))
        counts.append(len(subject.validation_losses))

    assert counts[:2] == [12, 12]
    assert counts[2] < 12


def test_the_best_average_comes_back_with_the_best_weights(monkeypatch: pytest.MonkeyPatch):
    subject = session(
        averaging={"name": "ema", "decay": 0.8}, regularization={"patience": 3}, epochs=300,
        optimizer={"name": "sgd", "lr": 3.0, "momentum": 0.9},
    )  # fmt: skip
    list(train(subject))

    assert subject.is_stopped
    told = subject.finished("done").results["validation"]["loss"]
    assert told == pytest.approx(min(subject.validation_losses), abs=1e-7)


NOISY = {"regularization": {"patience": 3}, "optimizer": {"name": "sgd", "lr": 1.0}, "epochs": 200}


@pytest.mark.parametrize("stop", [3, 20, 31])
def test_a_resumed_run_stops_where_the_unbroken_one_does(tmp_path: Path, stop: int):
    unbroken = session(**NOISY)
    list(train(unbroken))
    assert unbroken.is_stopped and unbroken.step > 31

    broken = session(**NOISY)
    steps(broken, stop)
    checkpoint.save(broken, tmp_path / "checkpoint.pt")
    resumed = session(**NOISY)
    checkpoint.restore(resumed, tmp_path / "checkpoint.pt")
    list(train(resumed))

    assert resumed.validation_losses == unbroken.validation_losses
    assert resumed.step == unbroken.step and torch.equal(weights(resumed), weights(unbroken))


def test_an_epoch_whose_measurement_was_cut_off_is_measured_after_resuming(tmp_path: Path):
    broken = session(**NOISY)
    loop = train(broken)
    while not broken.is_unmeasured:
        next(loop)
    loop.close()
    checkpoint.save(broken, tmp_path / "checkpoint.pt")
    resumed = session(**NOISY)
    checkpoint.restore(resumed, tmp_path / "checkpoint.pt")
    unbroken = session(**NOISY)
    for subject in (resumed, unbroken):
        list(train(subject))

    assert resumed.validation_losses == unbroken.validation_losses


def test_a_run_that_stopped_goes_on_from_its_file_with_more_epochs(tmp_path: Path):
    first = session(**NOISY)
    list(train(first))
    checkpoint.save(first, tmp_path / "checkpoint.pt")
    same, longer = session(**NOISY), session(**{**NOISY, "epochs": 400})
    for subject in (same, longer):
        checkpoint.restore(subject, tmp_path / "checkpoint.pt")

    assert same.is_over and not longer.is_over
