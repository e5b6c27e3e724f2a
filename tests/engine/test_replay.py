"""The first operation that is not finite is named, and the session stays as it was."""

import torch

from tests.support.tiny import session, steps, weights
from tuilab.core.protocol.events import Failed
from tuilab.engine.nan_trace import find_non_finite
from tuilab.engine.session import Session
from tuilab.engine.train import train


def failed(subject: Session) -> Failed:
    return next(event for event in train(subject) if isinstance(event, Failed))


def lost(**knobs: object) -> Session:
    """A session whose weights explode within some steps."""
    subject = session(
        "Linear 8", "ReLU", "Linear 8", "ReLU", "Linear 3",
        optimizer={"name": "sgd", "lr": 1000.0, "momentum": 0.9}, epochs=40, **knobs,
    )  # fmt: skip
    subject.set_knob("loss.name", "mse")
    return subject


def test_a_failure_names_the_step_the_layer_and_what_came_in() -> None:
    event = failed(lost())

    assert "at step" in event.detail
    assert "is not finite" in event.detail
    assert any(f"{number} Linear" in event.detail for number in (1, 2, 3)) or (
        "the loss itself" in event.detail
    )


def test_a_weight_that_is_lost_is_found_in_its_layer() -> None:
    subject = session("Linear 8", "Tanh", "Linear 3")
    steps(subject, 2)
    with torch.no_grad():
        list(subject.network.parameters())[2][0, 0] = float("inf")
    from tuilab.engine import checkpoint

    subject.good_state = checkpoint.capture_state(subject)

    said = find_non_finite(subject, subject.step + 1)

    assert said.startswith(f"At step {subject.step + 1} the output of 2 Linear is not finite")
    assert "what came in is up to" in said


def test_the_gradient_is_named_where_the_loss_is_still_finite() -> None:
    subject = session("Linear 8", "Tanh", "Linear 3")
    second = list(subject.network.parameters())[2]
    second.register_hook(lambda gradient: gradient * float("inf"))
    steps(subject, 1)
    subject.step, subject.offset = 1, 10

    said = find_non_finite(subject, 1)

    assert said == "At step 1 the gradient of 2 Linear is not finite, while its loss still is"


def test_the_session_is_afterwards_as_it_was() -> None:
    subject = session("Linear 8", "Dropout 0.5", "Linear 3", epochs=20)
    steps(subject, 8)
    before = weights(subject), torch.get_rng_state(), subject.step, subject.offset, subject.epoch
    gradients = [p.grad for p in subject.parameters]

    assert find_non_finite(subject, 8) == ""

    assert torch.equal(weights(subject), before[0])
    assert torch.equal(torch.get_rng_state(), before[1])
    assert (subject.step, subject.offset, subject.epoch) == before[2:]
    assert all(p.grad is g for p, g in zip(subject.parameters, gradients, strict=True))
    assert not any(m._forward_hooks for m in subject.network.modules())


def test_without_a_state_to_go_back_to_nothing_is_said() -> None:
    subject = session()
    subject.good_state = None

    assert find_non_finite(subject, 3) == ""
