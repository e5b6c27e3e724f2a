"""A batch in parts is the batch: the same gradient, however it is divided and weighed."""

from typing import Any

import pytest
import torch
from torch import Tensor

from tests.support.tiny import CPU, experiment, session
from tuilab.engine.data.load import load
from tuilab.engine.session import Session
from tuilab.engine.step import UNOBSERVED, training_step


def gradients(subject: Session, batch: tuple[Tensor, Tensor] | None = None) -> list[Tensor]:
    """The gradients of the first batch."""
    given = batch or subject.next_batch()
    assert given is not None
    training_step(subject, *given, UNOBSERVED)
    return [p.grad.clone() for p in subject.parameters if p.grad is not None]


def assert_same(first: list[Tensor], second: list[Tensor]) -> None:
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
def test_parts_give_the_gradient_of_the_whole_batch(parts: int, loss: dict[str, Any]):
    whole = session(batch_size=29, loss=loss)
    divided = session(batch_size=29, loss=loss, training={"accumulation": parts})

    assert_same(gradients(divided), gradients(whole))


@pytest.mark.parametrize("uncounted", [4, 5, 11, 15])
def test_targets_that_do_not_count_weigh_nothing(uncounted: int):
    def copying(parts: int) -> list[Tensor]:
        chosen = experiment(
            "Embedding 4", "GRU 6 returns=sequence", "Linear 6",
            data={"name": "copy", "symbols": 4, "memory": 3, "delay": 2, "samples": 100},
            training={"accumulation": parts}, batch_size=15,
        )  # fmt: skip
        subject = Session("run", chosen, load(chosen, CPU, lambda what, done: None), CPU)
        batch = subject.next_batch()
        assert batch is not None
        inputs, targets = batch
        targets[:uncounted] = -100  # unlike in every other part, or a whole part and more
        targets[-1, -1] = 0
        return gradients(subject, (inputs, targets))

    assert_same(copying(3), copying(1))


def test_batch_norm_gets_parts_that_it_can_train_on():
    subject = session("Linear 8", "BatchNorm1d", "Linear 3", training={"accumulation": 50})

    assert all(gradient.isfinite().all() for gradient in gradients(subject))


def test_a_penalty_counts_once():
    whole = session(regularization={"l1": 0.1, "l2": 0.3})
    divided = session(regularization={"l1": 0.1, "l2": 0.3}, training={"accumulation": 5})

    assert_same(gradients(divided), gradients(whole))


def test_all_examples_at_once_are_one_step_an_epoch_in_parts_too():
    inputs, targets = (getattr(session().dataset.train, name) for name in ("inputs", "targets"))
    exact = session()
    loss = torch.nn.functional.cross_entropy(exact.network(inputs), targets)
    wanted = list(torch.autograd.grad(loss, exact.parameters))

    for parts in (1, 4):
        subject = session(batch_size=0, training={"accumulation": parts})
        assert subject.batches_per_epoch == 1
        assert_same(gradients(subject), wanted)


@pytest.mark.parametrize("parts", [2, 5])
def test_an_autoencoder_is_worked_through_in_parts(parts: int):
    lines = ["Encoder", "Linear 8", "Tanh"], ["Decoder", "Linear 2"]
    knobs: dict[str, Any] = {"task": "autoencoder", "loss": {"name": "mse"}}
    whole = session(*lines, **knobs)
    divided = session(*lines, training={"accumulation": parts}, **knobs)

    assert_same(gradients(divided), gradients(whole))
