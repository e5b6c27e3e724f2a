"""Failures are described in the user's terms, with a way out that works."""

import pytest
import torch

from tests.support.tiny_sessions import flatten_parameters, make_session, train_steps
from tuilab.core.errors import InputError
from tuilab.core.protocol.commands import Resume, Rewind, SetKnob
from tuilab.core.protocol.events import Failed
from tuilab.engine import checkpoint, failures
from tuilab.engine.device import memory
from tuilab.engine.session import Session
from tuilab.engine.train import train


def make_diverged_session() -> tuple[Session, Failed]:
    session = make_session(optimizer={"name": "sgd", "lr": 1000.0, "momentum": 0.9}, epochs=400)
    session.set_knob("loss.name", "mse")
    failed = next(event for event in train(session) if isinstance(event, Failed))
    return session, failed


def test_a_loss_that_is_not_finite_ends_the_loop_and_names_its_step() -> None:
    _, failed = make_diverged_session()

    assert failed.recoverable
    assert failed.title.startswith(("The loss became NaN", "The loss became infinite"))
    assert "at step" in failed.title
    assert "learning rate is too high; it is 1,000" in failed.hint


def test_a_loss_that_is_not_finite_in_the_last_epoch_is_a_failure_too() -> None:
    session = make_session(optimizer={"name": "sgd", "lr": 1000.0, "momentum": 0.9}, epochs=40)
    session.set_knob("loss.name", "mse")

    *_, last = (event for event in train(session) if event is not None)

    assert isinstance(last, Failed)


def test_the_first_offer_rewinds_and_trains_on() -> None:
    session, failed = make_diverged_session()
    rewind, lower, resume = failed.offers[0].commands
    assert isinstance(rewind, Rewind) and isinstance(lower, SetKnob) and isinstance(resume, Resume)

    checkpoint.rewind(session)
    session.set_knob(lower.key, 1e-6)
    train_steps(session, 5)

    assert lower.value == 100.0
    assert flatten_parameters(session).isfinite().all()


def test_out_of_memory_offers_the_same_steps_in_less_memory() -> None:
    session = make_session(batch_size=32)

    failed = failures.describe_failure(
        torch.OutOfMemoryError("CUDA out of memory. Tried"), "run", session
    )

    assert failed.recoverable
    assert failed.title == "Out of memory on cpu"
    assert failed.offers[0].commands == [SetKnob("training.accumulation", 2), Resume()]
    assert failed.offers[1].commands == [SetKnob("data.batch_size", 16), Resume()]


def test_out_of_memory_on_the_cpu_is_recognized() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**50)

    assert memory.is_out_of_memory(caught.value)


def test_input_errors_keep_their_text_and_their_file() -> None:
    failed = failures.describe_failure(
        InputError("label 10 is out of range", "t10k-labels"), "run", None
    )

    assert failed.title == "This experiment cannot be started"
    assert failed.hint == "Label 10 is out of range\nt10k-labels"
    assert not failed.recoverable


def test_an_unforeseen_error_carries_its_traceback_as_detail() -> None:
    try:
        raise KeyError("unforeseen")
    except KeyError as error:
        failed = failures.describe_failure(error, "run", make_session())

    assert "unforeseen" in failed.title
    assert "test_an_unforeseen_error" in failed.detail
