"""Penalties, noise and limits: what acts on gradients before a step and on weights after it."""

import pytest
import torch
from torch import nn

from tests.support.tiny import session, steps, weights
from tuilab.core.catalogue.regularization import Regularization
from tuilab.core.protocol.events import Progressed
from tuilab.engine.optim.gradient_transforms import disturb, limit
from tuilab.engine.optim.parameter_groups import weights as penalized
from tuilab.engine.progress import ProgressReporter
from tuilab.engine.train import train, training_step

PLAIN = {"name": "sgd", "lr": 0.1, "momentum": 0.0}


def test_l1_and_l2_are_terms_of_the_loss():
    subject = session(regularization={"l1": 0.03, "l2": 0.2})
    batch = subject.next_batch()
    assert batch is not None
    inputs, targets = batch
    matrices = [p for p in subject.parameters if p.dim() > 1]
    loss = nn.functional.cross_entropy(subject.network(inputs), targets)
    loss = loss + sum(0.03 * w.abs().sum() + 0.1 * w.square().sum() for w in matrices)
    wanted = torch.autograd.grad(loss, subject.parameters)

    training_step(subject, inputs, targets, ProgressReporter(subject))

    for parameter, gradient in zip(subject.parameters, wanted, strict=True):
        torch.testing.assert_close(parameter.grad, gradient)


def test_l2_with_plain_gradient_descent_is_weight_decay():
    term = session(optimizer=PLAIN, regularization={"l2": 0.1})
    decay = session(optimizer={**PLAIN, "weight_decay": 0.1})

    steps(term, 6)
    steps(decay, 6)

    torch.testing.assert_close(weights(term), weights(decay))


def test_a_penalty_is_told_apart_from_the_loss():
    subject = session(regularization={"l2": 0.5}, epochs=1)
    plain = session(epochs=1)

    reports = [event for event in train(subject) if isinstance(event, Progressed)]
    others = [event for event in train(plain) if isinstance(event, Progressed)]

    assert reports[-1].metrics["penalty"] > 0
    assert "penalty" not in others[-1].metrics


def test_penalties_leave_embeddings_norms_and_biases_alone():
    network = nn.Sequential(nn.Embedding(5, 4), nn.LayerNorm(4), nn.Linear(4, 3))

    assert [p is network[2].weight for p in penalized(network)] == [True]


def test_no_unit_has_longer_weights_than_max_norm():
    subject = session(optimizer={**PLAIN, "lr": 5.0}, regularization={"max_norm": 0.7})

    steps(subject, 5)

    for matrix in (p for p in subject.parameters if p.dim() > 1):
        assert matrix.norm(dim=1).max() <= 0.7 + 1e-5
    short = nn.Parameter(torch.tensor([[0.1, 0.2], [3.0, 4.0]]))
    limit([short], Regularization(max_norm=1.0))
    torch.testing.assert_close(short.data, torch.tensor([[0.1, 0.2], [0.6, 0.8]]))


def test_gradient_noise_fades_as_in_the_paper():
    parameter = nn.Parameter(torch.zeros(200_000))
    for step in (0, 99):
        parameter.grad = torch.ones_like(parameter)
        disturb([parameter], Regularization(gradient_noise=0.3), step)

        assert parameter.grad.mean() == pytest.approx(1, abs=0.01)
        assert parameter.grad.var() == pytest.approx(0.3 / (1 + step) ** 0.55, rel=0.03)


@pytest.mark.parametrize("knob", ["clip_grad_norm", "clip_grad_value"])
def test_gradients_are_clipped_as_torch_does(knob: str):
    free = session()
    batch = free.next_batch()
    assert batch is not None
    training_step(free, *batch, ProgressReporter(free))
    wanted = [nn.Parameter(torch.zeros_like(p)) for p in free.parameters]
    for parameter, original in zip(wanted, free.parameters, strict=True):
        parameter.grad = None if original.grad is None else original.grad.clone()
    clip = getattr(nn.utils, f"{knob}_")
    clip(wanted, 0.01)

    clipped = session(training={knob: 0.01})
    training_step(clipped, *batch, ProgressReporter(clipped))

    for parameter, expected in zip(clipped.parameters, wanted, strict=True):
        torch.testing.assert_close(parameter.grad, expected.grad)
