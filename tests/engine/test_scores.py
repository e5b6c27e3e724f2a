"""Scores against their definitions, whatever the size of the chunks."""

from itertools import product
from math import exp, log

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tuilab.core.catalogue.losses import BCE, MSE, CrossEntropy
from tuilab.core.catalogue.metrics import METRIC_HELP, headline_metrics
from tuilab.engine.data.dataset import IGNORE_INDEX
from tuilab.engine.metrics import scores
from tuilab.engine.metrics.evaluate import measure_batch
from tuilab.engine.metrics.scores import (
    ClassScores,
    ReconstructionScores,
    RegressionScores,
    Scores,
    TokenScores,
    auroc,
    average_precision,
    mode_coverage,
    r2,
    sum_nll_and_hits,
    token_metrics,
)

SEEDS = st.integers(0, 10_000)


def random_classes(seed: int, count: int, examples: int = 60) -> tuple[Tensor, Tensor]:
    """Returns random logits that favor the correct class, and the classes."""
    generator = torch.Generator().manual_seed(seed)
    target = torch.randint(count, (examples,), generator=generator)
    return torch.randn(examples, count, generator=generator) + F.one_hot(target, count), target


def compute(scores: Scores, output: Tensor, targets: Tensor, size: int = 17) -> dict[str, float]:
    """Returns the scores of examples that are added in chunks."""
    for start in range(0, len(output), size):
        scores.add(output[start : start + size], targets[start : start + size])
    return scores.read()


# --- classes ------------------------------------------------------------------------------------


@given(SEEDS, st.integers(2, 12), st.integers(1, 60))
@settings(max_examples=40)
def test_class_scores_are_those_of_counting_examples(seed: int, count: int, size: int) -> None:
    output, target = random_classes(seed, count)
    predicted = output.argmax(1)

    actual = compute(ClassScores(CrossEntropy()), output, target, size)

    assert actual["accuracy"] == pytest.approx((predicted == target).double().mean().item())
    assert actual["majority"] == target.bincount().max().item() / len(target)
    f1 = []
    for number in [1] if count == 2 else sorted(set(target.tolist())):
        hits = ((predicted == number) & (target == number)).sum().item()
        f1.append(2 * hits / ((predicted == number).sum() + (target == number).sum()).item())
    assert actual["f1"] == pytest.approx(sum(f1) / len(f1))
    assert ("top_5" in actual) == (count >= 10)
    recalls = [
        (predicted[target == k] == k).double().mean().item() for k in sorted(set(target.tolist()))
    ]
    assert actual["worst_class"] == pytest.approx(min(recalls))
    assert actual["balanced_accuracy"] == pytest.approx(sum(recalls) / len(recalls))


@given(SEEDS)
def test_top_5_counts_the_classes_ranked_above_the_true_one(seed: int) -> None:
    output, target = random_classes(seed, 12)
    true_logit = output.gather(1, target[:, None])

    actual = compute(ClassScores(CrossEntropy()), output, target)

    assert actual["top_5"] == pytest.approx(
        ((output > true_logit).sum(1) < 5).double().mean().item()
    )


@pytest.mark.parametrize(("k", "classes"), [(1, 3), (2, 3), (3, 4), (7, 12)])
def test_top_k_is_for_any_k(k: int, classes: int) -> None:
    output, target = random_classes(1, classes)

    actual = compute(ClassScores(CrossEntropy(), top_k=k), output, target)

    is_hit = (output > output.gather(1, target[:, None])).sum(1) < k
    assert actual[f"top_{k}"] == pytest.approx(is_hit.double().mean().item())
    too_many = compute(ClassScores(CrossEntropy(), top_k=classes), output, target)
    assert not any(name.startswith("top") for name in too_many)


@given(SEEDS, st.integers(2, 5))
@settings(max_examples=25)
def test_average_precision_is_the_area_under_the_steps_of_precision(seed: int, count: int) -> None:
    output, target = random_classes(seed, count, 40)
    scores = (output.softmax(1) * 8).round() / 8  # with many ties

    values = []
    for number in [1] if count == 2 else range(count):
        area, recall, is_class = 0.0, 0.0, target == number
        for threshold in sorted(set(scores[:, number].tolist()), reverse=True):
            is_in = scores[:, number] >= threshold
            before, recall = recall, (is_class & is_in).sum().item() / max(1, int(is_class.sum()))
            area += (recall - before) * (is_class & is_in).sum().item() / is_in.sum().item()
        values += [area] if is_class.any() else []

    assert average_precision(scores, target) == pytest.approx(sum(values) / len(values))


@given(SEEDS, st.integers(2, 5))
@settings(max_examples=25)
def test_auroc_is_the_probability_of_ranking_a_pair_correctly(seed: int, count: int) -> None:
    output, target = random_classes(seed, count, 40)
    probs = (output.softmax(1) * 8).round() / 8  # with many ties

    areas = []
    for number in [1] if count == 2 else range(count):
        positive, negative = probs[target == number, number], probs[target != number, number]
        pairs = [(a > b) + (a == b) / 2 for a, b in product(positive.tolist(), negative.tolist())]
        if pairs:
            areas.append(sum(pairs) / len(pairs))

    assert auroc(probs, target) == pytest.approx(sum(areas) / len(areas))


@given(SEEDS, st.integers(3, 8))
@settings(max_examples=25)
def test_examples_with_the_same_probability_are_tied(seed: int, count: int) -> None:
    output, target = random_classes(seed, count, 20)
    output = output.round()  # the same logits in many orders
    odds = []
    for k in range(count):  # sorted, so that equal sums are equal
        others = [*range(k), *range(k + 1, count)]
        odds.append(output[:, k] - output[:, others].double().exp().sort(1).values.sum(1).log())
    probs = torch.stack(odds, 1).float()

    actual = compute(ClassScores(CrossEntropy()), output, target, 7)

    assert actual["auroc"] == pytest.approx(auroc(probs, target))
    assert actual["average_precision"] == pytest.approx(average_precision(probs, target))


@given(SEEDS, st.sampled_from([1, 2, 3, 5]), st.sampled_from([1.0, 30.0, 1e3, 1e4]))
@settings(max_examples=40)
def test_auroc_ranks_outputs_whose_probabilities_are_all_0_or_1(
    seed: int, outputs: int, scale: float
) -> None:
    output, target = random_classes(seed, max(2, outputs), 30)
    output = (scale * output)[:, :outputs]
    loss = BCE() if outputs == 1 else CrossEntropy()

    actual = compute(ClassScores(loss), output, target)["auroc"]

    exact = output.double() if outputs > 1 else torch.cat([-output, output], 1).double()
    areas = []
    for number in [1] if outputs < 3 else range(outputs):
        others = torch.cat([exact[:, :number], exact[:, number + 1 :]], 1)
        logit = output[:, 0].double() if outputs == 1 else exact[:, number] - others.logsumexp(1)
        positive, negative = logit[target == number], logit[target != number]
        if len(positive) and len(negative):
            wins = (positive[:, None] > negative) + (positive[:, None] == negative) / 2
            areas.append(wins.mean().item())
    assert actual == pytest.approx(sum(areas) / len(areas), abs=2e-3)


def test_saturated_outputs_are_ranked_as_small_ones() -> None:
    output, target = random_classes(3, 12, 400)

    for name in ("auroc", "top_5", "accuracy"):
        expected = compute(ClassScores(MSE()), output, target)[name]  # ranks outputs themselves
        saturated = compute(ClassScores(MSE()), 1000 * output, target)[name]
        assert saturated == pytest.approx(expected, abs=1e-9)
    small, large = (compute(ClassScores(CrossEntropy()), s * output, target) for s in (1, 1000))
    assert small["top_5"] == large["top_5"] < 1
    two = output[:, :2], (target % 2)
    small, large = (compute(ClassScores(CrossEntropy()), s * two[0], two[1]) for s in (1, 1000))
    assert small["auroc"] == large["auroc"]


def test_auroc_needs_two_classes_to_compare() -> None:
    assert auroc(torch.rand(9, 2), torch.zeros(9, dtype=torch.long)) is None


def test_auroc_is_left_out_where_it_would_need_too_much_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scores, "MAX_RANKED_VALUES", 50)
    output, target = random_classes(0, 3)

    actual = compute(ClassScores(CrossEntropy()), output, target)

    assert "auroc" not in actual and "accuracy" in actual


@given(SEEDS)
def test_the_calibration_error_is_the_gap_in_each_bin(seed: int) -> None:
    output, target = random_classes(seed, 3, 200)
    confidence, predicted = output.softmax(1).max(1)

    actual = compute(ClassScores(CrossEntropy()), output, target)["ece"]

    gaps = 0.0
    for number in range(15):
        is_in = (confidence >= number / 15) & (confidence < (number + 1) / 15)
        if is_in.any():
            accuracy = (predicted == target)[is_in].double().mean()
            gaps += float(
                is_in.double().mean() * (accuracy - confidence[is_in].double().mean()).abs()
            )
    # A confidence on the edge of a bin may be in either.
    assert actual == pytest.approx(gaps, abs=0.02)


def test_a_network_whose_confidence_is_its_accuracy_has_no_calibration_error() -> None:
    output = torch.tensor([0.7, 0.3]).log().expand(1000, 2)
    target = (torch.arange(1000) % 10 >= 7).long()

    assert compute(ClassScores(CrossEntropy()), output, target)["ece"] == pytest.approx(0, abs=1e-5)
    assert compute(ClassScores(CrossEntropy()), output, 1 - target)["ece"] == pytest.approx(0.4)


@pytest.mark.parametrize("loss", [BCE(), MSE()])
def test_other_losses_have_the_same_scores(loss: BCE | MSE) -> None:
    output, target = random_classes(5, 2)
    output = output[:, 1:] if isinstance(loss, BCE) else output

    actual = compute(ClassScores(loss), output, target)

    expected = (output[:, 0] > 0).long() if isinstance(loss, BCE) else output.argmax(1)
    assert actual["accuracy"] == pytest.approx((expected == target).double().mean().item())
    assert 0.5 < actual["auroc"] <= 1


def test_ignored_positions_are_not_scored() -> None:
    output, target = random_classes(1, 4, 48)
    is_used = torch.arange(48) % 3 == 0
    masked = target.masked_fill(~is_used, IGNORE_INDEX)

    actual = compute(ClassScores(CrossEntropy()), output.view(8, 6, 4), masked.view(8, 6), 3)

    expected = compute(ClassScores(CrossEntropy()), output[is_used], target[is_used])
    assert actual == pytest.approx(expected)


# --- tokens, numbers, reconstructions -----------------------------------------------------------


@given(SEEDS)
def test_perplexity_is_the_exponential_of_the_mean_negative_log_likelihood(seed: int) -> None:
    output, target = random_classes(seed, 7, 60)
    output, target = output.view(10, 6, 7), target.view(10, 6)

    actual = compute(TokenScores(), output, target, 3)

    nll = F.cross_entropy(output.flatten(0, 1), target.flatten())
    assert actual["perplexity"] == pytest.approx(exp(nll.item()), rel=1e-5)
    assert actual["accuracy"] == pytest.approx((output.argmax(2) == target).double().mean().item())


def test_the_perplexity_of_a_uniform_prediction_is_the_number_of_tokens() -> None:
    actual = compute(TokenScores(), torch.zeros(4, 5, 33), torch.zeros(4, 5, dtype=torch.long))

    assert actual["perplexity"] == pytest.approx(33)


@given(SEEDS)
def test_regression_scores_are_their_formulas(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    target = 5 + torch.randn(50, 1, generator=generator)
    output = target + 0.5 * torch.randn(50, 1, generator=generator)
    error = (output - target).double()

    actual = compute(RegressionScores(), output, target)

    explained = 1 - error.square().sum() / (target - target.mean()).double().square().sum()
    assert list(actual) == ["r2", "mae", "rmse"]
    assert actual["r2"] == pytest.approx(explained.item(), abs=1e-5)
    assert actual["mae"] == pytest.approx(error.abs().mean().item(), rel=1e-5)
    assert actual["rmse"] == pytest.approx(error.square().mean().sqrt().item(), rel=1e-5)


def test_r2_is_zero_for_the_mean_and_for_constant_targets() -> None:
    target = torch.tensor([[1.0], [2.0], [6.0]])

    assert r2(torch.full((3, 1), 3.0), target) == pytest.approx(0)
    assert r2(target, target) == 1
    assert r2(torch.zeros(3, 1), torch.ones(3, 1)) == 0


@given(st.floats(-1e6, 1e6, width=32), st.integers(1, 200), st.integers(1, 3))
def test_r2_of_constant_targets_is_zero_whatever_their_rounding(
    value: float, examples: int, outputs: int
) -> None:
    target = torch.full((examples, outputs), value)

    assert r2(target + 1, target) == r2(target, target) == 0


@given(SEEDS)
def test_r2_is_exact_for_targets_far_from_zero(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    target = 1e5 + torch.randint(9, (40, 1), generator=generator).float()
    target[:2] = torch.tensor([[1e5], [1e5 + 8]])
    output = target + torch.randint(3, (40, 1), generator=generator).float()
    wide, residual = target.double(), (output - target).double().square().sum()

    expected = 1 - residual / (wide - wide.mean(0)).square().sum()

    assert r2(output, target) == pytest.approx(expected.item(), rel=1e-5)


@given(SEEDS)
def test_reconstructions_are_scored_by_their_formulas(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    inputs = 2 + torch.randn(20, 1, 4, 4, generator=generator)
    output = inputs + 0.3 * torch.randn(20, 1, 4, 4, generator=generator)
    squared = (output - inputs).double().square()

    actual = compute(ReconstructionScores(), output, inputs, 7)

    variance = (inputs - inputs.mean(0)).double().square()
    assert actual["reconstruction_error"] == pytest.approx(squared.mean().item(), rel=1e-4)
    assert actual["mae"] == pytest.approx((output - inputs).abs().mean().item(), rel=1e-4)
    assert actual["explained_variance"] == pytest.approx(
        (1 - squared.sum() / variance.sum()).item(), abs=1e-3
    )


def test_the_mean_input_explains_nothing() -> None:
    inputs = torch.linspace(0, 9, 12).expand(20, 12) + torch.randn(20, 12)

    mean = inputs.mean(0).expand(20, 12)
    assert compute(ReconstructionScores(), mean, inputs)["explained_variance"] == pytest.approx(
        0, abs=1e-5
    )
    assert compute(ReconstructionScores(), inputs, inputs)["explained_variance"] == 1
    constant = torch.ones(20, 12)
    assert compute(ReconstructionScores(), constant, constant)["explained_variance"] == 0


# --- modes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [8, 25, 100])
def test_points_from_all_modes_cover_all_of_them(count: int) -> None:
    generator = torch.Generator().manual_seed(count)
    modes = 10 * torch.rand(count, 2, generator=generator)
    mode = torch.randint(count, (2000,), generator=generator)
    points = modes[mode] + 0.01 * torch.randn(2000, 2, generator=generator)

    actual = mode_coverage(points, modes, 0.01)

    assert actual["modes"] == count
    assert actual["high_quality"] == pytest.approx(
        1 - exp(-4.5), abs=0.01
    )  # within 3 σ in the plane


def test_a_collapsed_generator_covers_one_mode_and_stray_points_none() -> None:
    modes = torch.tensor([[0.0, 0.0], [5.0, 0.0], [0.0, 5.0]])
    collapsed = torch.zeros(100, 2)
    stray = torch.full((100, 2), 2.5)

    assert mode_coverage(collapsed, modes, 0.1) == {"modes": 1, "high_quality": 1}
    assert mode_coverage(stray, modes, 0.1) == {"modes": 0, "high_quality": 0}
    few = torch.cat([collapsed[:98], modes[1:]])
    assert mode_coverage(few, modes, 0.1)["modes"] == 1


# --- all scores ---------------------------------------------------------------------------------


def test_scores_of_no_targets_are_empty() -> None:
    empty = torch.full((2, 3), IGNORE_INDEX)
    empty_scores = ClassScores(CrossEntropy())
    empty_scores.add(torch.randn(2, 3, 4), empty)

    token_scores = TokenScores()
    token_scores.add(torch.randn(2, 3, 4), empty)
    regression_scores = RegressionScores()
    regression_scores.add(torch.empty(0, 1), torch.empty(0, 1))

    every = (empty_scores, token_scores, TokenScores(), regression_scores, RegressionScores(),
             ReconstructionScores())  # fmt: skip
    assert [scores.read() for scores in every] == [{}] * 6
    assert measure_batch(torch.randn(2, 3, 4), empty) == {}
    assert measure_batch(torch.empty(0, 1), torch.empty(0, 1)) == {}
    assert token_metrics(sum_nll_and_hits(torch.randn(2, 3, 4), empty)) == {}


def test_every_score_is_explained() -> None:
    output, target = random_classes(0, 12)
    numbers = torch.randn(9, 1)
    scores_of_tasks = [
        compute(ClassScores(CrossEntropy()), output, target),
        compute(TokenScores(), output[None], target[None]),
        compute(RegressionScores(), numbers, numbers + 1),
        compute(ReconstructionScores(), numbers, numbers + 1),
        mode_coverage(torch.zeros(4, 2), torch.zeros(1, 2), 1.0),
    ]

    assert {name for scores in scores_of_tasks for name in scores} <= set(METRIC_HELP)


def test_the_headline_has_the_metric_the_loss_and_the_baseline() -> None:
    output, target = random_classes(0, 12)
    values = {"loss": log(2), **compute(ClassScores(CrossEntropy()), output, target)}

    assert list(headline_metrics(values)) == ["accuracy", "loss", "majority", "f1", "auroc"]
    assert list(headline_metrics(values, 2)) == ["accuracy", "loss"]
    assert headline_metrics({"loss": 1.0}) == {"loss": 1.0}
    assert headline_metrics({}) == {}
