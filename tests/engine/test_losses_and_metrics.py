"""Losses, predictions and metrics against torch and by hand."""

from collections.abc import Generator

import pytest
import torch
import torch.nn.functional as F

from tests.support.tiny import session
from tuilab.core.catalogue.losses import BCE, MSE, CrossEntropy
from tuilab.engine.metrics import evaluate, losses


def test_bce_takes_one_logit_and_whole_classes():
    output, target = torch.tensor([[2.0], [-1.0]]), torch.tensor([1, 0])

    loss = losses.function(BCE())(output, target)

    by_hand = -(torch.tensor(2.0).sigmoid().log() + (1 - torch.tensor(-1.0).sigmoid()).log()) / 2
    assert loss.item() == pytest.approx(by_hand.item())


def test_mse_measures_classes_against_one_and_zero():
    output, target = torch.tensor([[0.5, 0.5], [1.0, 0.0]]), torch.tensor([0, 0])

    assert losses.function(MSE())(output, target).item() == pytest.approx((0.25 + 0.25) / 4)


def test_certainties_sum_to_one():
    output = torch.tensor([[3.0, -2.0, 0.5]])

    assert losses.probabilities(CrossEntropy(), output).sum().item() == pytest.approx(1)
    assert losses.probabilities(BCE(), output[:, :1]).tolist()[0] == pytest.approx(
        [1 - 0.952574, 0.952574], abs=1e-5
    )


def test_one_logit_decides_by_its_sign():
    assert losses.predicted(torch.tensor([[0.1], [-0.1]])).tolist() == [1, 0]


def test_accuracy_and_r2_by_hand():
    output = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    assert evaluate.measure(output, torch.tensor([0, 1, 0]))["accuracy"] == pytest.approx(2 / 3)

    target = torch.tensor([[1.0], [2.0], [3.0]])
    guess = torch.tensor([[1.0], [2.0], [2.0]])
    assert evaluate.measure(guess, target)["r2"] == pytest.approx(1 - 1 / 2)


def test_a_part_in_chunks_measures_as_the_whole(monkeypatch: pytest.MonkeyPatch):
    subject = session("Linear 4", "Dropout 0.5", "Linear 3", examples=90)
    part = subject.dataset.train
    output = subject.predict(part.inputs)
    expected = F.cross_entropy(output, part.targets).item()
    monkeypatch.setitem(evaluate.CHUNK, "cpu", 7)

    chunks = subject.evaluate(part)
    while True:
        try:
            next(chunks)
            assert subject.network.training
        except StopIteration as end:
            results = end.value
            break

    assert results["loss"] == pytest.approx(expected, rel=1e-5)


def test_where_memory_is_short_fewer_examples_are_measured_at_a_time():
    subject, sizes = session(examples=90), []
    part = subject.dataset.train

    def predict(inputs: torch.Tensor) -> torch.Tensor:
        sizes.append(len(inputs))
        if len(inputs) > 30:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return subject.predict(inputs)

    results = _result(subject.task.evaluate(predict, part, 64))

    assert sizes == [64, 32, 16, 16, 16, 16, 16, 10]
    assert results == pytest.approx(_result(subject.evaluate(part)), rel=1e-5)


def test_where_not_one_example_fits_it_is_told():
    def predict(inputs: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    subject = session()
    with pytest.raises(torch.OutOfMemoryError):
        _result(subject.task.evaluate(predict, subject.dataset.train, 64))


def _result(evaluation: Generator[None, None, dict[str, float]]) -> dict[str, float]:
    while True:
        try:
            next(evaluation)
        except StopIteration as end:
            return end.value
