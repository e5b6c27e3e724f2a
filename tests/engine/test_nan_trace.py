"""The first operation that is not finite is named, and the session is not changed."""

import torch

from tests.support.tiny_sessions import flatten_parameters, make_session, train_steps
from tuilab.core.protocol.events import Failed
from tuilab.engine import checkpoint
from tuilab.engine.nan_trace import NonFiniteOrigin, find_non_finite
from tuilab.engine.session import Session
from tuilab.engine.train import train


def train_until_failure(session: Session) -> Failed:
    return next(event for event in train(session) if isinstance(event, Failed))


def make_diverging_session() -> Session:
    """Returns a session whose weights explode within some steps."""
    session = make_session(
        "Linear 8", "ReLU", "Linear 8", "ReLU", "Linear 3",
        optimizer={"name": "sgd", "lr": 1000.0, "momentum": 0.9}, epochs=40,
    )  # fmt: skip
    session.set_knob("loss.name", "mse")
    return session


def test_a_failure_names_the_step_and_the_layer() -> None:
    event = train_until_failure(make_diverging_session())

    assert "at step" in event.detail
    assert "is not finite" in event.detail
    assert any(f"{number} Linear" in event.detail for number in (1, 2, 3)) or (
        "the loss itself" in event.detail
    )


def test_a_weight_that_is_not_finite_is_found_in_its_layer() -> None:
    session = make_session("Linear 8", "Tanh", "Linear 3")
    train_steps(session, 2)
    with torch.no_grad():
        list(session.network.parameters())[2][0, 0] = float("inf")
    session.good_state = checkpoint.capture_state(session)

    description = find_non_finite(session, session.step + 1).description

    assert description.startswith(
        f"At step {session.step + 1} the output of 2 Linear is not finite"
    )
    assert "what came in is up to" in description


def test_the_gradient_is_named_if_the_loss_is_still_finite() -> None:
    session = make_session("Linear 8", "Tanh", "Linear 3")
    second = list(session.network.parameters())[2]
    second.register_hook(lambda gradient: gradient * float("inf"))
    train_steps(session, 1)
    session.step, session.offset = 1, 10

    origin = find_non_finite(session, 1)

    assert origin.source == "gradient" and origin.has_grown is False
    assert (
        origin.description
        == "At step 1 the gradient of 2 Linear is not finite, while its loss still is"
    )


def test_the_search_does_not_change_the_session() -> None:
    session = make_session("Linear 8", "Dropout 0.5", "Linear 3", epochs=20)
    train_steps(session, 8)
    weights, random_state = flatten_parameters(session), torch.get_rng_state()
    position = (session.step, session.offset, session.epoch)
    gradients = [p.grad for p in session.parameters]

    assert find_non_finite(session, 8) == NonFiniteOrigin()

    assert torch.equal(flatten_parameters(session), weights)
    assert torch.equal(torch.get_rng_state(), random_state)
    assert (session.step, session.offset, session.epoch) == position
    assert all(p.grad is g for p, g in zip(session.parameters, gradients, strict=True))
    assert not any(m._forward_hooks for m in session.network.modules())


def test_without_a_good_state_there_is_no_description() -> None:
    session = make_session()
    session.good_state = None

    assert find_non_finite(session, 3) == NonFiniteOrigin()
    assert find_non_finite(session, 3).has_grown is None
