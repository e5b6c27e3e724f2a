"""Every loss against torch or its formula, on random outputs."""

from math import log

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tuilab.core.catalogue.losses import (
    BCE,
    KL,
    L1,
    MSE,
    CrossEntropy,
    Focal,
    Hinge,
    Huber,
    Loss,
    ZeroOne,
    smoothed_entropy,
)
from tuilab.engine.data.dataset import IGNORED
from tuilab.engine.metrics import losses

SEEDS = st.integers(0, 10_000)
EVERY = [CrossEntropy(), MSE(), Focal(), Hinge(), KL()]
"""The losses that take one output a class."""


def classes(seed: int, count: int = 5, examples: int = 40) -> tuple[Tensor, Tensor]:
    """Random logits and classes."""
    chance = torch.Generator().manual_seed(seed)
    output = 3 * torch.randn(examples, count, generator=chance)
    return output, torch.randint(count, (examples,), generator=chance)


def numbers(seed: int) -> tuple[Tensor, Tensor]:
    """Random outputs and targets of a regression."""
    chance = torch.Generator().manual_seed(seed)
    return torch.randn(40, 2, generator=chance), 2 * torch.randn(40, 2, generator=chance)


# --- numbers ------------------------------------------------------------------------------------


@given(SEEDS, st.floats(0.01, 5))
def test_losses_of_numbers_are_torch_s(seed: int, delta: float):
    output, target = numbers(seed)
    error = (output - target).abs()

    assert torch.equal(losses.function(MSE())(output, target), error.square().mean())
    assert torch.equal(losses.function(L1())(output, target), error.mean())
    formula = torch.where(error <= delta, error.square() / 2, delta * (error - delta / 2)).mean()
    torch.testing.assert_close(losses.function(Huber(delta=delta))(output, target), formula)
    torch.testing.assert_close(F.huber_loss(output, target, delta=delta), formula)


# --- classes ------------------------------------------------------------------------------------


@given(SEEDS, st.floats(0, 0.9), st.integers(2, 9))
def test_label_smoothing_is_cross_entropy_with_a_softer_target(
    seed: int, smoothing: float, count: int
):
    output, target = classes(seed, count)
    soft = (1 - smoothing) * F.one_hot(target, count) + smoothing / count

    loss = losses.function(CrossEntropy(label_smoothing=smoothing))(output, target)

    torch.testing.assert_close(loss, -(soft * output.log_softmax(1)).sum(1).mean())
    kl = losses.function(KL(label_smoothing=smoothing))(output, target)
    by_torch = F.kl_div(output.log_softmax(1), soft, reduction="batchmean")
    torch.testing.assert_close(kl, by_torch, atol=1e-5, rtol=1e-4)


@given(SEEDS, st.floats(0.01, 0.9), st.integers(2, 9))
@settings(max_examples=30)
def test_the_floor_is_reached_by_the_best_logits_and_by_no_others(
    seed: int, smoothing: float, count: int
):
    output, target = classes(seed, count)
    soft = (1 - smoothing) * F.one_hot(target, count) + smoothing / count
    loss = CrossEntropy(label_smoothing=smoothing)
    follow = losses.function(loss)

    assert follow(soft.log(), target) == pytest.approx(loss.floor(count), abs=1e-5)
    assert follow(output, target) >= loss.floor(count) - 1e-5
    assert losses.function(KL(label_smoothing=smoothing))(soft.log(), target) == pytest.approx(
        KL(label_smoothing=smoothing).floor(count), abs=1e-5
    )


def test_the_entropy_of_a_smoothed_target_is_known():
    assert smoothed_entropy(0.0, 10) == 0
    assert smoothed_entropy(0.5, 2) == pytest.approx(-0.75 * log(0.75) - 0.25 * log(0.25))


@given(SEEDS, st.lists(st.floats(0.1, 9), min_size=4, max_size=4))
def test_class_weights_are_torch_s(seed: int, weight: list[float]):
    output, target = classes(seed, 4)
    loss = CrossEntropy(weight=tuple(weight))

    found = losses.function(loss, losses.class_weights(loss, target, 4))(output, target)

    own = torch.tensor(weight)[target]
    by_hand = (own * F.cross_entropy(output, target, reduction="none")).sum() / own.sum()
    torch.testing.assert_close(found, by_hand)


@given(SEEDS)
def test_balanced_weights_give_every_class_the_same_sum(seed: int):
    _, target = classes(seed, 3, examples=60)
    target = torch.cat([target, torch.zeros(200, dtype=torch.long), torch.tensor([1, 2])])
    asked = torch.cat([target, torch.full((30,), IGNORED)])

    weight = losses.class_weights(CrossEntropy(balanced=True), asked, 3)

    assert weight is not None
    sums = weight * torch.bincount(target)
    assert sums.tolist() == pytest.approx([len(target) / 3] * 3)


def test_a_class_that_never_occurs_weighs_something_finite():
    weight = losses.class_weights(CrossEntropy(balanced=True), torch.tensor([0, 0, 2]), 4)

    assert weight is not None and weight.isfinite().all() and len(weight) == 4


def test_losses_without_weights_have_none():
    target = torch.tensor([0, 1])
    assert losses.class_weights(CrossEntropy(), target, 2) is None
    assert losses.class_weights(Focal(), target, 2) is None


@given(SEEDS, st.floats(0, 5))
def test_focal_forgives_what_is_right_already(seed: int, gamma: float):
    output, target = classes(seed)
    sure = output.softmax(1)[torch.arange(len(target)), target].double()

    found = losses.function(Focal(gamma=gamma))(output, target)

    by_hand = (-((1 - sure) ** gamma) * sure.log()).mean().float()
    torch.testing.assert_close(found, by_hand, rtol=1e-3, atol=1e-5)
    if gamma == 0:
        torch.testing.assert_close(found, F.cross_entropy(output, target))


@given(SEEDS, st.floats(0.1, 3))
def test_hinge_asks_for_a_margin(seed: int, margin: float):
    output, target = classes(seed)
    rows = torch.arange(len(target))

    found = losses.function(Hinge(margin=margin))(output, target)

    ahead = (margin - output[rows, target][:, None] + output).relu()
    ahead[rows, target] = 0
    torch.testing.assert_close(found, ahead.sum(1).mean() / output.shape[1])


@given(SEEDS, st.floats(0.1, 3))
def test_hinge_with_one_output_is_that_of_a_support_vector_machine(seed: int, margin: float):
    output, target = classes(seed, 2)
    output = output[:, :1]

    found = losses.function(Hinge(margin=margin))(output, target)

    side = torch.where(target == 1, 1.0, -1.0)
    torch.testing.assert_close(found, (margin - side * output[:, 0]).clamp(min=0).mean())


@given(SEEDS, st.floats(0.1, 20))
def test_bce_is_torch_s_with_a_weight_for_the_second_class(seed: int, weight: float):
    output, target = classes(seed, 2)
    output = output[:, :1]

    found = losses.function(BCE(pos_weight=weight))(output, target)

    z = output[:, 0]
    by_hand = -(weight * target * F.logsigmoid(z) + (1 - target) * F.logsigmoid(-z)).mean()
    torch.testing.assert_close(found, by_hand)


@given(SEEDS)
def test_zero_one_counts_mistakes(seed: int):
    output, target = classes(seed, 2)
    wrong = sum((z > 0) != (y == 1) for z, y in zip(output[:, 0], target, strict=True))

    found = losses.function(ZeroOne())(output[:, :1], target)

    assert found.item() == pytest.approx(int(wrong) / len(target))


# --- positions ----------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", EVERY, ids=lambda loss: type(loss).__name__)
@given(seed=SEEDS)
@settings(max_examples=20)
def test_positions_that_are_not_asked_for_count_for_nothing(loss: Loss, seed: int):
    output, target = classes(seed, 5, 8 * 6)
    chance = torch.Generator().manual_seed(seed)
    is_asked = torch.rand(48, generator=chance) < 0.4
    is_asked[seed % 48] = True
    masked = target.masked_fill(~is_asked, IGNORED)

    found = losses.function(loss)(output.view(8, 6, 5), masked.view(8, 6))

    wanted = losses.function(loss)(output[is_asked], target[is_asked])
    torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("loss", EVERY, ids=lambda loss: type(loss).__name__)
def test_what_is_not_asked_for_has_no_gradient(loss: Loss):
    output, target = classes(3, 5, 12)
    output = output.view(3, 4, 5).requires_grad_()
    target = target.view(3, 4).clone()
    target[:, 2] = IGNORED

    losses.function(loss)(output, target).backward()

    assert output.grad is not None
    assert (output.grad[:, 2] == 0).all() and (output.grad[:, 1] != 0).any()


def test_flat_leaves_numbers_and_single_classes_as_they_are():
    for output, target in (numbers(0), classes(0)):
        same = losses.flat(output, target)
        assert same[0] is output and same[1] is target


# --- evaluation ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "plain"),
    [
        (CrossEntropy(label_smoothing=0.3, balanced=True), CrossEntropy()),
        (CrossEntropy(weight=(1.0, 2.0, 3.0)), CrossEntropy()),
        (KL(label_smoothing=0.2), CrossEntropy()),
        (Focal(gamma=1.5), Focal(gamma=1.5)),
        (Hinge(margin=2.0), Hinge(margin=2.0)),
    ],
)
def test_held_back_examples_are_measured_without_smoothing_and_weights(loss: Loss, plain: Loss):
    output, target = classes(4, 3)

    found = losses.evaluation(loss)(output, target)

    torch.testing.assert_close(found, losses.function(plain)(output, target))


def test_bce_is_measured_without_its_weight():
    output, target = classes(4, 2)
    found = losses.evaluation(BCE(pos_weight=7.0))(output[:, :1], target)

    torch.testing.assert_close(found, losses.function(BCE())(output[:, :1], target))


@given(SEEDS, st.sampled_from([*EVERY, BCE(), ZeroOne()]))
def test_certainties_are_those_of_the_predicted_class(seed: int, loss: Loss):
    output, _ = classes(seed, 5)
    if loss.outputs(2) == 1:
        output = output[:, :1]
    if isinstance(loss, ZeroOne):
        output = (output > 0).float()  # the network ends in a Step
    sure = losses.probabilities(loss, output)

    assert ((sure >= 0) & (sure <= 1)).all()
    best = sure.gather(1, losses.predicted(output)[:, None])[:, 0]
    assert torch.equal(best, sure.max(1).values)
