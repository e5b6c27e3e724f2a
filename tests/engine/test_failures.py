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
    assert "the loss grew from" in failed.hint
    assert "the learning rate, 1,000, is too high" in failed.hint
    assert failed.has_grown


def poison_gradient(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Returns a finite loss whose slope is infinity · 0."""
    return (output - output.detach()).abs().sqrt().sum() + output.square().mean()


@pytest.mark.parametrize("loss", ["a loss", "the data", "a layer"])
def test_the_rate_is_not_blamed_where_nothing_has_grown(loss: str) -> None:
    session = make_session(optimizer={"name": "sgd", "lr": 0.01}, epochs=400)
    if loss == "a loss":
        session.task.loss = poison_gradient
    elif loss == "the data":
        session.dataset.train.inputs[7, 1] = float("nan")
    else:
        session.network[1].register_forward_hook(
            lambda module, inputs, output: output / (output * 0) if session.step > 3 else output
        )

    failed = next(event for event in train(session) if isinstance(event, Failed))

    assert failed.has_grown is False
    assert "nothing had grown" in failed.hint and "is not the reason" in failed.hint
    assert "too high" not in failed.hint
    assert [type(command) for offer in failed.offers for command in offer.commands] == [Rewind]
    source = {"a loss": "gradient of", "the data": "inputs of the network", "a layer": "2 Tanh"}
    assert source[loss] in failed.detail or "after 1 Linear" in failed.detail


def test_a_rate_whose_first_step_overflows_is_to_blame() -> None:
    session = make_session(optimizer={"name": "sgd", "lr": 1.0})
    session.optimizer.param_groups[0]["scale"] = 1e38

    failed = next(event for event in train(session) if isinstance(event, Failed))

    assert failed.has_grown
    assert "the largest weight grew from" in failed.hint


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
