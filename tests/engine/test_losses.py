"""Every loss against torch or its formula, on random outputs."""

from math import log

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tests.support.not_none import not_none
from tuilab.core.catalogue.losses import (
    BCE,
    KL,
    L1,
    MSE,
    NLL,
    CrossEntropy,
    Focal,
    Hinge,
    Huber,
    Loss,
    SmoothL1,
    ZeroOne,
    smoothed_entropy,
)
from tuilab.engine.data.dataset import IGNORE_INDEX
from tuilab.engine.metrics import losses

SEEDS = st.integers(0, 10_000)
ONE_OUTPUT_PER_CLASS = [CrossEntropy(), NLL(), MSE(), Focal(), Hinge(), KL()]
"""The losses that take one output per class."""


def random_classes(seed: int, count: int = 5, examples: int = 40) -> tuple[Tensor, Tensor]:
    """Returns random logits and classes."""
    generator = torch.Generator().manual_seed(seed)
    output = 3 * torch.randn(examples, count, generator=generator)
    return output, torch.randint(count, (examples,), generator=generator)


def random_numbers(seed: int) -> tuple[Tensor, Tensor]:
    """Returns random outputs and targets of a regression."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(40, 2, generator=generator), 2 * torch.randn(40, 2, generator=generator)


# --- numbers ------------------------------------------------------------------------------------


@given(SEEDS, st.floats(0.01, 5))
def test_regression_losses_are_those_of_torch(seed: int, delta: float) -> None:
    output, target = random_numbers(seed)
    error = (output - target).abs()

    assert torch.equal(losses.build_loss(MSE())(output, target), error.square().mean())
    assert torch.equal(losses.build_loss(L1())(output, target), error.mean())
    formula = torch.where(error <= delta, error.square() / 2, delta * (error - delta / 2)).mean()
    torch.testing.assert_close(losses.build_loss(Huber(delta=delta))(output, target), formula)
    torch.testing.assert_close(F.huber_loss(output, target, delta=delta), formula)
    smooth = losses.build_loss(SmoothL1(beta=delta))(output, target)
    torch.testing.assert_close(smooth, F.smooth_l1_loss(output, target, beta=delta))
    torch.testing.assert_close(smooth, formula / delta)


# --- classes ------------------------------------------------------------------------------------


@given(SEEDS, st.floats(0, 0.9), st.integers(2, 9))
def test_label_smoothing_is_cross_entropy_with_a_softer_target(
    seed: int, smoothing: float, count: int
) -> None:
    output, target = random_classes(seed, count)
    soft = (1 - smoothing) * F.one_hot(target, count) + smoothing / count

    loss = losses.build_loss(CrossEntropy(label_smoothing=smoothing))(output, target)

    torch.testing.assert_close(loss, -(soft * output.log_softmax(1)).sum(1).mean())
    kl = losses.build_loss(KL(label_smoothing=smoothing))(output, target)
    by_torch = F.kl_div(output.log_softmax(1), soft, reduction="batchmean")
    torch.testing.assert_close(kl, by_torch, atol=1e-5, rtol=1e-4)


@given(SEEDS, st.floats(0.01, 0.9), st.integers(2, 9))
@settings(max_examples=30)
def test_the_floor_is_reached_by_the_best_logits_and_by_no_others(
    seed: int, smoothing: float, count: int
) -> None:
    output, target = random_classes(seed, count)
    soft = (1 - smoothing) * F.one_hot(target, count) + smoothing / count
    loss = CrossEntropy(label_smoothing=smoothing)
    compute_loss = losses.build_loss(loss)

    assert compute_loss(soft.log(), target) == pytest.approx(loss.floor(count), abs=1e-5)
    assert compute_loss(output, target) >= loss.floor(count) - 1e-5
    assert losses.build_loss(KL(label_smoothing=smoothing))(soft.log(), target) == pytest.approx(
        KL(label_smoothing=smoothing).floor(count), abs=1e-5
    )


def test_the_entropy_of_a_smoothed_target_is_known() -> None:
    assert smoothed_entropy(0.0, 10) == 0
    assert smoothed_entropy(0.5, 2) == pytest.approx(-0.75 * log(0.75) - 0.25 * log(0.25))


@given(SEEDS, st.lists(st.floats(0.1, 9), min_size=4, max_size=4))
def test_class_weights_are_those_of_torch(seed: int, weight: list[float]) -> None:
    output, target = random_classes(seed, 4)
    loss = CrossEntropy(weight=tuple(weight))

    result = losses.build_loss(loss, losses.compute_class_weights(loss, target, 4))(output, target)

    example_weights = torch.tensor(weight)[target]
    by_hand = (
        example_weights * F.cross_entropy(output, target, reduction="none")
    ).sum() / example_weights.sum()
    torch.testing.assert_close(result, by_hand)


@given(SEEDS)
def test_balanced_weights_give_every_class_the_same_sum(seed: int) -> None:
    _, target = random_classes(seed, 3, examples=60)
    target = torch.cat([target, torch.zeros(200, dtype=torch.long), torch.tensor([1, 2])])
    with_ignored = torch.cat([target, torch.full((30,), IGNORE_INDEX)])

    weight = losses.compute_class_weights(CrossEntropy(balanced=True), with_ignored, 3)

    sums = not_none(weight) * torch.bincount(target)
    assert sums.tolist() == pytest.approx([len(target) / 3] * 3)


def test_a_class_that_never_occurs_has_a_finite_weight() -> None:
    weight = losses.compute_class_weights(CrossEntropy(balanced=True), torch.tensor([0, 0, 2]), 4)

    assert not_none(weight).isfinite().all() and len(not_none(weight)) == 4


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
def test_a_batch_whose_classes_have_no_weight_has_loss_and_gradient_zero(smoothing: float) -> None:
    config = CrossEntropy(weight=(0.0, 1.0, 2.0), label_smoothing=smoothing)
    output, target = torch.randn(4, 3, requires_grad=True), torch.zeros(4, dtype=torch.int64)

    loss = losses.build_loss(config, losses.compute_class_weights(config, target, 3))(
        output, target
    )

    assert float(loss.detach()) == 0
    assert not torch.autograd.grad(loss, output)[0].any()


def test_losses_without_weights_have_none() -> None:
    target = torch.tensor([0, 1])
    assert losses.compute_class_weights(CrossEntropy(), target, 2) is None
    assert losses.compute_class_weights(Focal(), target, 2) is None


@given(SEEDS)
def test_nll_of_log_probabilities_is_cross_entropy(seed: int) -> None:
    output, target = random_classes(seed)
    target[::3] = IGNORE_INDEX

    result = losses.build_loss(NLL())(output.log_softmax(1), target)

    torch.testing.assert_close(result, F.cross_entropy(output, target))
    torch.testing.assert_close(result, F.nll_loss(output.log_softmax(1), target))


@given(SEEDS)
def test_weighted_nll_is_torchs_and_weighted_cross_entropy(seed: int) -> None:
    output, target = random_classes(seed)
    target[::3] = IGNORE_INDEX
    weight = torch.rand(output.shape[1], generator=torch.Generator().manual_seed(seed)) + 0.1
    logs, config = output.log_softmax(1), NLL(weight=tuple(weight.tolist()))
    weights = losses.compute_class_weights(config, target, output.shape[1])

    result = losses.build_loss(config, weights)(logs, target)

    torch.testing.assert_close(result, F.nll_loss(logs, target, weight))
    torch.testing.assert_close(result, F.cross_entropy(output, target, weight))
    evaluated = losses.build_evaluation_loss(config)(logs, target)
    torch.testing.assert_close(evaluated, F.nll_loss(logs, target))


def test_nll_without_targets_is_0() -> None:
    output, target = random_classes(0)

    assert losses.build_loss(NLL())(output, torch.full_like(target, IGNORE_INDEX)) == 0


@given(SEEDS, st.floats(0, 5))
def test_focal_loss_gives_correct_examples_less_weight(seed: int, gamma: float) -> None:
    output, target = random_classes(seed)
    probs = output.softmax(1)[torch.arange(len(target)), target].double()

    result = losses.build_loss(Focal(gamma=gamma))(output, target)

    by_hand = (-((1 - probs) ** gamma) * probs.log()).mean().float()
    torch.testing.assert_close(result, by_hand, rtol=1e-3, atol=1e-5)
    if gamma == 0:
        torch.testing.assert_close(result, F.cross_entropy(output, target))


@given(SEEDS, st.floats(0.1, 3))
def test_hinge_requires_a_margin(seed: int, margin: float) -> None:
    output, target = random_classes(seed)
    rows = torch.arange(len(target))

    result = losses.build_loss(Hinge(margin=margin))(output, target)

    violations = (margin - output[rows, target][:, None] + output).relu()
    violations[rows, target] = 0
    torch.testing.assert_close(result, violations.sum(1).mean() / output.shape[1])


@given(SEEDS, st.floats(0.1, 3))
def test_hinge_with_one_output_is_that_of_a_support_vector_machine(
    seed: int, margin: float
) -> None:
    output, target = random_classes(seed, 2)
    output = output[:, :1]

    result = losses.build_loss(Hinge(margin=margin))(output, target)

    side = torch.where(target == 1, 1.0, -1.0)
    torch.testing.assert_close(result, (margin - side * output[:, 0]).clamp(min=0).mean())


@given(SEEDS, st.floats(0.1, 20))
def test_bce_is_that_of_torch_with_a_weight_for_the_second_class(seed: int, weight: float) -> None:
    output, target = random_classes(seed, 2)
    output = output[:, :1]

    result = losses.build_loss(BCE(pos_weight=weight))(output, target)

    z = output[:, 0]
    by_hand = -(weight * target * F.logsigmoid(z) + (1 - target) * F.logsigmoid(-z)).mean()
    torch.testing.assert_close(result, by_hand)


@given(SEEDS)
def test_zero_one_counts_mistakes(seed: int) -> None:
    output, target = random_classes(seed, 2)
    wrong = sum((z > 0) != (y == 1) for z, y in zip(output[:, 0], target, strict=True))

    result = losses.build_loss(ZeroOne())(output[:, :1], target)

    assert result.item() == pytest.approx(int(wrong) / len(target))


# --- positions ----------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ONE_OUTPUT_PER_CLASS, ids=lambda loss: type(loss).__name__)
@given(seed=SEEDS)
@settings(max_examples=20)
def test_ignored_positions_have_no_weight(loss: Loss, seed: int) -> None:
    output, target = random_classes(seed, 5, 8 * 6)
    generator = torch.Generator().manual_seed(seed)
    is_used = torch.rand(48, generator=generator) < 0.4
    is_used[seed % 48] = True
    masked = target.masked_fill(~is_used, IGNORE_INDEX)

    result = losses.build_loss(loss)(output.view(8, 6, 5), masked.view(8, 6))

    expected = losses.build_loss(loss)(output[is_used], target[is_used])
    torch.testing.assert_close(result, expected)


@pytest.mark.parametrize("loss", ONE_OUTPUT_PER_CLASS, ids=lambda loss: type(loss).__name__)
def test_ignored_positions_have_no_gradient(loss: Loss) -> None:
    output, target = random_classes(3, 5, 12)
    output = output.view(3, 4, 5).requires_grad_()
    target = target.view(3, 4).clone()
    target[:, 2] = IGNORE_INDEX

    losses.build_loss(loss)(output, target).backward()

    gradient = not_none(output.grad)
    assert (gradient[:, 2] == 0).all() and (gradient[:, 1] != 0).any()


def test_flattening_returns_numbers_and_single_classes_unchanged() -> None:
    for output, target in (random_numbers(0), random_classes(0)):
        flat_output, flat_target = losses.flatten_positions(output, target)
        assert flat_output is output and flat_target is target


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
def test_held_out_examples_are_evaluated_without_smoothing_and_weights(
    loss: Loss, plain: Loss
) -> None:
    output, target = random_classes(4, 3)

    result = losses.build_evaluation_loss(loss)(output, target)

    torch.testing.assert_close(result, losses.build_loss(plain)(output, target))


def test_bce_is_evaluated_without_its_weight() -> None:
    output, target = random_classes(4, 2)
    result = losses.build_evaluation_loss(BCE(pos_weight=7.0))(output[:, :1], target)

    torch.testing.assert_close(result, losses.build_loss(BCE())(output[:, :1], target))


@given(SEEDS, st.sampled_from([*ONE_OUTPUT_PER_CLASS, BCE(), ZeroOne()]))
def test_the_predicted_class_has_the_largest_probability(seed: int, loss: Loss) -> None:
    output, _ = random_classes(seed, 5)
    if loss.outputs(2) == 1:
        output = output[:, :1]
    if isinstance(loss, ZeroOne):
        output = (output > 0).float()  # the network ends in a Step
    probs = losses.probabilities(loss, output)

    assert ((probs >= 0) & (probs <= 1)).all()
    best = probs.gather(1, losses.predict_classes(output)[:, None])[:, 0]
    assert torch.equal(best, probs.max(1).values)
