"""Losses, predictions and metrics against torch and by hand."""

import pytest
import torch
import torch.nn.functional as F

from tests.support.run_generator import run_generator
from tests.support.tiny_sessions import make_session
from tuilab.core.catalogue.losses import BCE, MSE, CrossEntropy
from tuilab.engine.metrics import evaluate, losses


def test_bce_takes_one_logit_and_class_indices() -> None:
    output, target = torch.tensor([[2.0], [-1.0]]), torch.tensor([1, 0])

    loss = losses.build_loss(BCE())(output, target)

    by_hand = -(torch.tensor(2.0).sigmoid().log() + (1 - torch.tensor(-1.0).sigmoid()).log()) / 2
    assert loss.item() == pytest.approx(by_hand.item())


def test_mse_compares_classes_as_one_hot() -> None:
    output, target = torch.tensor([[0.5, 0.5], [1.0, 0.0]]), torch.tensor([0, 0])

    assert losses.build_loss(MSE())(output, target).item() == pytest.approx((0.25 + 0.25) / 4)


def test_probabilities_sum_to_one() -> None:
    output = torch.tensor([[3.0, -2.0, 0.5]])

    assert losses.probabilities(CrossEntropy(), output).sum().item() == pytest.approx(1)
    assert losses.probabilities(BCE(), output[:, :1]).tolist()[0] == pytest.approx(
        [1 - 0.952574, 0.952574], abs=1e-5
    )


def test_one_logit_decides_by_its_sign() -> None:
    assert losses.predict_classes(torch.tensor([[0.1], [-0.1]])).tolist() == [1, 0]


def test_accuracy_and_r2_by_hand() -> None:
    output = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    scores = evaluate.measure_batch(output, torch.tensor([0, 1, 0]))
    assert scores["accuracy"] == pytest.approx(2 / 3)

    target = torch.tensor([[1.0], [2.0], [3.0]])
    output = torch.tensor([[1.0], [2.0], [2.0]])
    assert evaluate.measure_batch(output, target)["r2"] == pytest.approx(1 - 1 / 2)


def test_evaluating_in_chunks_gives_the_loss_of_the_whole_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = make_session("Linear 4", "Dropout 0.5", "Linear 3", examples=90)
    part = session.dataset.train
    output = session.predict(part.inputs)
    expected = F.cross_entropy(output, part.targets).item()
    monkeypatch.setitem(evaluate.CHUNK_SIZES, "cpu", 7)

    chunks = session.evaluate(part)
    while True:
        try:
            next(chunks)
            assert session.network.training
        except StopIteration as end:
            results: dict[str, float] = end.value
            break

    assert results["loss"] == pytest.approx(expected, rel=1e-5)


def test_with_too_little_memory_fewer_examples_are_evaluated_at_a_time() -> None:
    session = make_session(examples=90)
    sizes: list[int] = []
    part = session.dataset.train

    def predict(inputs: torch.Tensor) -> torch.Tensor:
        sizes.append(len(inputs))
        if len(inputs) > 30:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return session.predict(inputs)

    results = run_generator(session.task.evaluate(predict, part, 64))

    assert sizes == [64, 32, 16, 16, 16, 16, 16, 10]
    assert results == pytest.approx(run_generator(session.evaluate(part)), rel=1e-5)


def test_an_example_that_does_not_fit_is_reported() -> None:
    def predict(inputs: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    session = make_session()
    with pytest.raises(torch.OutOfMemoryError):
        run_generator(session.task.evaluate(predict, session.dataset.train, 64))
