"""Losses and activations stay finite, forward and backward, where probabilities are 0 or 1.

Every loss and every activation is tried, also one that is added later.
"""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tests.support.network_strategies import example_line
from tests.support.not_none import not_none
from tests.support.tiny_sessions import make_session
from tuilab.core.catalogue.losses import LOSSES, CrossEntropy, Focal, LearnerLoss, Loss
from tuilab.core.catalogue.tasks import LABEL_TASKS
from tuilab.core.network.registry import LAYERS
from tuilab.engine.data.dataset import IGNORE_INDEX
from tuilab.engine.metrics import losses
from tuilab.engine.model import build_network
from tuilab.engine.tasks.gan import DISCRIMINATOR_LOSSES, GENERATOR_LOSSES

EXTREMES = [0.0, -0.0, 1e-30, 1.0, -1.0, 17.0, -17.0, 88.0, -89.0, 104.0, 1e3, -1e3, 1e4, -1e4]
"""Logits: softmax and sigmoid round to exactly 0 or 1 for many of them."""

KNOBS: dict[str, list[dict[str, Any]]] = {
    "focal": [{"gamma": gamma} for gamma in (0.0, 1e-3, 0.5, 0.999, 1.0, 2.0, 10.0)],
    "bce": [{"pos_weight": weight} for weight in (1.0, 1e-6, 1000.0)],
    "cross_entropy": [{}, {"label_smoothing": 0.999}, {"weight": (0.0, 0.0, 0.0)}],
    "kl": [{"label_smoothing": smoothing} for smoothing in (0.0, 0.1, 0.999)],
    "huber": [{"delta": delta} for delta in (1e-6, 1.0, 1e6)],
    "hinge": [{"margin": margin} for margin in (1e-6, 1.0, 1000.0)],
}
"""The knobs of losses at their bounds."""

CONFIGS: list[Loss] = [
    kind(**knobs)
    for kind in LOSSES
    if kind is not LearnerLoss
    for knobs in KNOBS.get(str(kind.__struct_config__.tag), [{}])
]

LOGITS = st.lists(st.sampled_from(EXTREMES), min_size=6, max_size=6)


def finite_gradient(loss: Tensor, output: Tensor) -> bool:
    """Returns whether a loss, and its gradient for the output if it has one, are finite."""
    if not loss.requires_grad:
        return bool(loss.isfinite())
    loss.backward()
    return bool(loss.isfinite()) and bool(not_none(output.grad).isfinite().all())


@pytest.mark.parametrize("config", CONFIGS, ids=str)
@given(logits=LOGITS, target=st.lists(st.integers(0, 2), min_size=2, max_size=2))
@settings(max_examples=40)
def test_every_loss_is_finite_for_saturated_outputs(
    config: Loss, logits: list[float], target: list[int]
) -> None:
    if "regression" in config.tasks:
        output = torch.tensor(logits).view(2, 3).requires_grad_()
        targets = torch.tensor([*logits[::-1]]).view(2, 3)
    elif not set(config.tasks).isdisjoint(LABEL_TASKS):
        output = torch.tensor(logits).view(2, 3).requires_grad_()
        targets = torch.nn.functional.one_hot(torch.tensor(target), 3).float()
    else:
        count = config.outputs(3)
        output = torch.tensor(logits)[: 2 * count].view(2, count).requires_grad_()
        targets = torch.tensor(target) % max(2, count)
    weights = losses.compute_class_weights(config, targets, 3)
    if config == CrossEntropy(weight=(0.0, 0.0, 0.0)):
        weights = torch.zeros(3)

    loss = losses.build_loss(config, weights)(output, targets)

    assert finite_gradient(loss, output)


@given(st.floats(1e-3, 1), st.floats(-30, 30))
def test_the_focal_loss_and_its_slope_are_those_of_exact_arithmetic(gamma: float, z: float) -> None:
    """The slope of −(1 − p)^γ log p for the logit is (1 − p)^γ (γ p log p − (1 − p))."""
    output = torch.tensor([[z, 0.0]], requires_grad=True)
    loss = losses.build_loss(Focal(gamma=gamma))(output, torch.tensor([0]))
    loss.backward()

    nll = torch.nn.functional.softplus(torch.tensor(-z, dtype=torch.float64))
    p, rest = (-nll).exp(), -torch.expm1(-nll)
    value, slope = rest**gamma * nll, -(rest**gamma) * (gamma * p * nll + rest)
    # The cross-entropy itself is rounded to multiples of the smallest difference from 1.
    torch.testing.assert_close(loss.double(), value, rtol=1e-4, atol=2e-7)
    torch.testing.assert_close(not_none(output.grad)[0, 0].double(), slope, rtol=1e-4, atol=2e-7)


@given(st.lists(st.sampled_from(EXTREMES), min_size=4, max_size=4))
def test_the_losses_of_a_gan_are_finite_for_saturated_outputs(logits: list[float]) -> None:
    for kind in DISCRIMINATOR_LOSSES:
        output = torch.tensor(logits).view(4, 1).requires_grad_()
        loss = DISCRIMINATOR_LOSSES[kind](output[:2], output[2:]) + GENERATOR_LOSSES[kind](output)
        assert finite_gradient(loss, output)


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_a_batch_whose_positions_are_all_ignored_has_the_loss_0(config: Loss) -> None:
    if not {"regression", *LABEL_TASKS}.isdisjoint(config.tasks) or config.outputs(3) != 3:
        return
    output = torch.randn(2, 4, 3, requires_grad=True)

    loss = losses.build_loss(config)(output, torch.full((2, 4), IGNORE_INDEX))
    loss.backward()

    assert loss == 0
    assert not not_none(output.grad).any()


ACTIVATIONS = [
    *(example_line(kind) for name, kind in LAYERS.items()
      if kind.family == "activation" and name != "OwnActivation"),
    "Softplus threshold=1000", "Softplus beta=100 threshold=500", "ELU alpha=100",
    "GELU approximate=tanh", "LeakyReLU 1", "Reparameterization",
]  # fmt: skip


@pytest.mark.parametrize("line", ACTIVATIONS)
def test_every_activation_is_finite_for_large_inputs(line: str) -> None:
    x = torch.tensor([EXTREMES] * 4, requires_grad=True)  # 14 numbers: an even count
    (layer,) = build_network.build((line,), (len(EXTREMES),))

    output = layer(x)
    (output.sum() + getattr(layer, "kl", torch.zeros(()))).backward()

    assert output.isfinite().all()
    assert not_none(x.grad).isfinite().all()


def test_a_run_goes_on_after_a_batch_without_targets() -> None:
    session = make_session("Linear 4", "Unflatten (2,2)", "Linear 3", loss={"name": "kl"})
    train = session.dataset.train
    targets = torch.full((len(train), 2), IGNORE_INDEX)
    loss, _ = session.task.compute_loss(train.inputs, targets)

    loss.backward()

    assert loss == 0
    assert session.task.measure(torch.randn(5, 2, 3), targets[:5]) == {}
