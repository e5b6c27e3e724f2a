"""What goes wrong is told in the user's terms, with a way out that works."""

import pytest
import torch

from tests.support.tiny import session, steps, weights
from tuilab.core.errors import InputError
from tuilab.core.protocol.commands import Resume, Rewind, SetKnob
from tuilab.core.protocol.events import Failed
from tuilab.engine import checkpoint, failures
from tuilab.engine.device import memory
from tuilab.engine.session import Session
from tuilab.engine.train import train


def diverged() -> tuple[Session, Failed]:
    subject = session(optimizer={"name": "sgd", "lr": 1000.0, "momentum": 0.9}, epochs=400)
    subject.set_knob("loss.name", "mse")
    failed = next(event for event in train(subject) if isinstance(event, Failed))
    return subject, failed


def test_a_loss_that_is_lost_stops_the_loop_and_says_where():
    _, failed = diverged()

    assert failed.recoverable
    assert failed.title.startswith(("The loss became NaN", "The loss became infinite"))
    assert "at step" in failed.title
    assert "learning rate is too high; it is 1000" in failed.hint


def test_a_loss_that_is_lost_in_the_last_epoch_ends_the_loop_too():
    subject = session(optimizer={"name": "sgd", "lr": 1000.0, "momentum": 0.9}, epochs=40)
    subject.set_knob("loss.name", "mse")

    *_, last = (event for event in train(subject) if event is not None)

    assert isinstance(last, Failed)


def test_its_first_offer_goes_back_and_trains_on():
    subject, failed = diverged()
    rewind, lower, resume = failed.offers[0].commands
    assert isinstance(rewind, Rewind) and isinstance(lower, SetKnob) and isinstance(resume, Resume)

    checkpoint.rewind(subject)
    subject.set_knob(lower.key, 1e-6)
    steps(subject, 5)

    assert lower.value == 100.0
    assert weights(subject).isfinite().all()


def test_out_of_memory_offers_the_same_steps_in_less_memory():
    subject = session(batch_size=32)

    failed = failures.describe_failure(torch.OutOfMemoryError("CUDA out of memory. Tried"), "run", subject)

    assert failed.recoverable
    assert failed.title == "Out of memory on cpu"
    assert failed.offers[0].commands == [SetKnob("training.accumulation", 2), Resume()]
    assert failed.offers[1].commands == [SetKnob("data.batch_size", 16), Resume()]


def test_a_cpu_without_memory_is_recognised():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**50)

    assert memory.is_out_of_memory(caught.value)


def test_input_errors_keep_their_words_and_their_place():
    failed = failures.describe_failure(InputError("label 10 is out of range", "t10k-labels"), "run", None)

    assert failed.title == "This experiment cannot be started"
    assert failed.hint == "Label 10 is out of range\nt10k-labels"
    assert not failed.recoverable


def test_what_nobody_foresaw_carries_its_traceback_as_detail():
    try:
        raise KeyError("surprise")
    except KeyError as error:
        failed = failures.describe_failure(error, "run", session())

    assert "surprise" in failed.title
    assert "test_what_nobody_foresaw" in failed.detail
