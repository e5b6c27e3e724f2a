"""Early stopping: when it ends, with which weights, and how one goes on."""

import pytest
import torch

from tests.engine.tiny import session, weights
from tuilab.engine.session import Session
from tuilab.engine.train import train
from tuilab.lab.messages import EpochEnded, Logged


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
