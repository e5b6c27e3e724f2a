"""Gradient accumulation: micro-batches of any number and size give the gradient of the batch."""

from typing import Any

import pytest
import torch
from torch import Tensor

from tests.support.datasets import CPU
from tests.support.not_none import not_none
from tests.support.tiny_sessions import make_experiment, make_session
from tuilab.engine.data.load import load
from tuilab.engine.session import Session
from tuilab.engine.step import UNOBSERVED, training_step


def gradients(session: Session, batch: tuple[Tensor, Tensor] | None = None) -> list[Tensor]:
    """Takes a step on a batch, the first unless given; returns the gradients."""
    training_step(session, *(batch or not_none(session.next_batch())), UNOBSERVED)
    return [p.grad.clone() for p in session.parameters if p.grad is not None]


def assert_close(first: list[Tensor], second: list[Tensor]) -> None:
    for one, other in zip(first, second, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("parts", [2, 3, 7, 50])
@pytest.mark.parametrize(
    "loss",
    [
        {"name": "cross_entropy"},
        {"name": "cross_entropy", "label_smoothing": 0.2},
        {"name": "cross_entropy", "weight": [0.2, 1.0, 5.0]},
        {"name": "cross_entropy", "balanced": True, "label_smoothing": 0.1},
        {"name": "focal"},
        {"name": "mse"},
    ],
)
def test_micro_batches_give_the_gradient_of_the_whole_batch(
    parts: int, loss: dict[str, Any]
) -> None:
    whole = make_session(batch_size=29, loss=loss)
    divided = make_session(batch_size=29, loss=loss, training={"accumulation": parts})

    assert_close(gradients(divided), gradients(whole))


@pytest.mark.parametrize("ignored", [4, 5, 11, 15])
def test_ignored_targets_have_no_weight(ignored: int) -> None:
    def copy_gradients(parts: int) -> list[Tensor]:
        experiment = make_experiment(
            "Embedding 4", "GRU 6 returns=sequence", "Linear 6",
            data={"name": "copy", "symbols": 4, "memory": 3, "delay": 2, "samples": 100},
            training={"accumulation": parts}, batch_size=15,
        )  # fmt: skip
        session = Session("run", experiment, load(experiment, CPU, lambda what, done: None), CPU)
        inputs, targets = not_none(session.next_batch())
        targets[:ignored] = -100  # a part of one micro-batch only, or more than a whole one
        targets[-1, -1] = 0
        return gradients(session, (inputs, targets))

    assert_close(copy_gradients(3), copy_gradients(1))


def test_batch_norm_gets_micro_batches_that_it_can_train_on() -> None:
    session = make_session("Linear 8", "BatchNorm1d", "Linear 3", training={"accumulation": 50})

    assert all(gradient.isfinite().all() for gradient in gradients(session))


def test_a_penalty_is_added_once() -> None:
    whole = make_session(regularization={"l1": 0.1, "l2": 0.3})
    divided = make_session(regularization={"l1": 0.1, "l2": 0.3}, training={"accumulation": 5})

    assert_close(gradients(divided), gradients(whole))


def test_batch_size_0_is_one_step_per_epoch_also_with_accumulation() -> None:
    examples = make_session().dataset.train
    exact = make_session()
    loss = torch.nn.functional.cross_entropy(exact.network(examples.inputs), examples.targets)
    expected = list(torch.autograd.grad(loss, exact.parameters))

    for parts in (1, 4):
        session = make_session(batch_size=0, training={"accumulation": parts})
        assert session.batches_per_epoch == 1
        assert_close(gradients(session), expected)


@pytest.mark.parametrize("parts", [2, 5])
def test_an_autoencoder_accumulates_gradients(parts: int) -> None:
    lines = ["Encoder", "Linear 8", "Tanh"], ["Decoder", "Linear 2"]
    tables: dict[str, Any] = {"task": "autoencoder", "loss": {"name": "mse"}}
    whole = make_session(*lines, **tables)
    divided = make_session(*lines, training={"accumulation": parts}, **tables)

    assert_close(gradients(divided), gradients(whole))
