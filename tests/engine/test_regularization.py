"""Penalties, noise and limits, on gradients before a step and on weights after it."""

import pytest
import torch
from torch import nn

from tests.support.not_none import not_none
from tests.support.tiny_sessions import flatten_parameters, make_session, train_steps
from tuilab.core.catalogue.regularization import Regularization
from tuilab.core.protocol.events import Progressed
from tuilab.engine.optim.gradient_transforms import (
    add_gradient_noise,
    clamp_weight_norms,
    find_transposed,
)
from tuilab.engine.optim.parameter_groups import decayed_parameters
from tuilab.engine.step import UNOBSERVED, training_step
from tuilab.engine.train import train

PLAIN = {"name": "sgd", "lr": 0.1, "momentum": 0.0}


def test_l1_and_l2_are_terms_of_the_loss() -> None:
    session = make_session(regularization={"l1": 0.03, "l2": 0.2})
    inputs, targets = not_none(session.next_batch())
    matrices = [p for p in session.parameters if p.dim() > 1]
    loss = nn.functional.cross_entropy(session.network(inputs), targets)
    loss = loss + sum(0.03 * w.abs().sum() + 0.1 * w.square().sum() for w in matrices)
    expected = torch.autograd.grad(loss, session.parameters)

    training_step(session, inputs, targets, UNOBSERVED)

    for parameter, gradient in zip(session.parameters, expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient)


def test_l2_with_plain_gradient_descent_is_weight_decay() -> None:
    term = make_session(optimizer=PLAIN, regularization={"l2": 0.1})
    decay = make_session(optimizer={**PLAIN, "weight_decay": 0.1})

    train_steps(term, 6)
    train_steps(decay, 6)

    torch.testing.assert_close(flatten_parameters(term), flatten_parameters(decay))


def test_a_penalty_is_reported_separately_from_the_loss() -> None:
    session = make_session(regularization={"l2": 0.5}, epochs=1)
    plain = make_session(epochs=1)

    reports = [event for event in train(session) if isinstance(event, Progressed)]
    plain_reports = [event for event in train(plain) if isinstance(event, Progressed)]

    assert reports[-1].metrics["penalty"] > 0
    assert "penalty" not in plain_reports[-1].metrics


def test_penalties_do_not_act_on_embeddings_norms_and_biases() -> None:
    network = nn.Sequential(nn.Embedding(5, 4), nn.LayerNorm(4), nn.Linear(4, 3))

    assert [p is network.get_parameter("2.weight") for p in decayed_parameters(network)] == [True]


def test_no_unit_exceeds_max_norm() -> None:
    session = make_session(optimizer={**PLAIN, "lr": 5.0}, regularization={"max_norm": 0.7})

    train_steps(session, 5)

    for matrix in (p for p in session.parameters if p.dim() > 1):
        assert matrix.norm(dim=1).max() <= 0.7 + 1e-5
    rows = nn.Parameter(torch.tensor([[0.1, 0.2], [3.0, 4.0]]))
    clamp_weight_norms([rows], Regularization(max_norm=1.0), {})
    torch.testing.assert_close(rows.data, torch.tensor([[0.1, 0.2], [0.6, 0.8]]))


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("kind", [nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d])
def test_max_norm_limits_the_units_of_a_transposed_convolution(
    kind: type[nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d], groups: int
) -> None:
    """A unit is an output channel: its norm is how much an input of norm 1 can add to it."""
    torch.manual_seed(0)
    layer = kind(8, 12, 3, groups=groups, bias=False)
    before = layer.weight.detach().clone()
    units = before.view(groups, 8 // groups, 12 // groups, -1).transpose(1, 2).flatten(2)
    limit = units.norm(dim=2).median().item()

    clamp_weight_norms(
        list(layer.parameters()), Regularization(max_norm=limit), find_transposed(layer)
    )

    scale = (limit / units.norm(dim=2)).clamp(max=1)
    expected = units * scale[..., None]
    limited = layer.weight.detach().view(groups, 8 // groups, 12 // groups, -1).transpose(1, 2)
    torch.testing.assert_close(limited.flatten(2), expected)
    assert 4 < (scale < 0.999).sum() < 8


def test_a_step_limits_a_transposed_convolution_by_its_units() -> None:
    session = make_session(
        "Linear 12", "Unflatten (3,2,2)", "ConvTranspose2d 5", "Flatten", "Linear 3",
        optimizer={**PLAIN, "lr": 5.0}, regularization={"max_norm": 0.7},
    )  # fmt: skip

    train_steps(session, 3)

    kernel = next(p for p in session.parameters if p.dim() == 4)
    norms = kernel.detach().transpose(0, 1).flatten(1).norm(dim=1)
    torch.testing.assert_close(norms.max(), torch.tensor(0.7))


def test_gradient_noise_decays_as_in_the_paper() -> None:
    parameter = nn.Parameter(torch.zeros(200_000))
    for step in (0, 99):
        parameter.grad = torch.ones_like(parameter)
        add_gradient_noise([parameter], Regularization(gradient_noise=0.3), step)

        assert parameter.grad.mean() == pytest.approx(1, abs=0.01)
        assert parameter.grad.var() == pytest.approx(0.3 / (1 + step) ** 0.55, rel=0.03)


@pytest.mark.parametrize("knob", ["clip_grad_norm", "clip_grad_value"])
def test_gradients_are_clipped_as_torch_does(knob: str) -> None:
    unclipped = make_session()
    batch = not_none(unclipped.next_batch())
    training_step(unclipped, *batch, UNOBSERVED)
    clones = [nn.Parameter(torch.zeros_like(p)) for p in unclipped.parameters]
    for parameter, original in zip(clones, unclipped.parameters, strict=True):
        parameter.grad = None if original.grad is None else original.grad.clone()
    clip = getattr(nn.utils, f"{knob}_")
    clip(clones, 0.01)

    clipped = make_session(training={knob: 0.01})
    training_step(clipped, *batch, UNOBSERVED)

    for parameter, clone in zip(clipped.parameters, clones, strict=True):
        torch.testing.assert_close(parameter.grad, clone.grad)
